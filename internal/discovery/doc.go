// Package discovery completes an inventory from what people have: bills of materials, lineage events, a model registry, a
// cluster. Its subpackages read one kind of source each and say what they found; Merge writes that into a document.
//
// Nothing is guessed. What a source does not say is left out, and the rules of the inventory then name it as something to be
// filled in. What a person wrote stays: a source that says otherwise is reported as a conflict. A second import of the same
// source changes nothing. The package imports the inventory and nothing else of firebreak.
package discovery
