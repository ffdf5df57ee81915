// Command worker runs incidents: it registers firebreak's workflows and activities with Temporal and acts on Vault,
// Kubernetes, SageMaker, S3, Slack and a mail server. It listens on no port.
package main
