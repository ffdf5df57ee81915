// Package cyclonedx reads machine-learning bills of materials: CycloneDX 1.6 and 1.7 in JSON.
package cyclonedx
