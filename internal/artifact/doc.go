// Package artifact looks into the files of a model and says whether loading them could run code. It reads headers and
// opcodes and executes, imports and unpacks nothing; it trusts no file name where the bytes say otherwise.
package artifact
