// Package picture draws a blast radius: columns of assets and the lineage between them, as SVG. The incident page and the
// command line draw the same picture with it.
package picture
