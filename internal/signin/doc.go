// Package signin says which person of the inventory sends a request: by OpenID Connect (authorisation code with PKCE), or, on
// the machine itself, by a token that names nobody. It keeps nothing: a session is a sealed cookie, and the person behind it is
// looked up anew in every request, so that whoever leaves the inventory is out at once. It writes no HTML; see Pages.
package signin
