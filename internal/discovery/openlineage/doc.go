// Package openlineage reads OpenLineage run events (spec 2-0-2), as a JSON array or one a line, for instance a consumer's file
// or an export of a lineage server.
//
// OpenLineage has no word for a model. A model is a dataset in a namespace that starts with model://; its version facet holds
// the root digest, and its name is the checkpoint's id, or the model's if the digest is that of a known checkpoint.
package openlineage
