// Package platforms runs servers and tools that come from PyPI, so that what firebreak does on a platform is tried on the
// platform itself: MLflow's registry, LiteLLM's proxy on PostgreSQL, OpenSSF's reference implementation of model signing, and
// moto in place of SageMaker.
//
// They are kept in the user's cache folder, once for each list of requirements. LiteLLM needs Node and npm too. Newcomers
// need none of them: without the environment variable FIREBREAK_REQUIRE_PLATFORMS=1, which `make test-platforms` sets, nothing
// is installed and the tests skip what is not there.
package platforms
