package main

const serveHelp = `Serve takes alerts at POST /alerts/SOURCE and starts an incident for each, or joins the open one. A source is served once it
has a secret, SNS once it has a topic:

  alertmanager  webhook, version 4                bearer token
  grafana       unified alerting's webhook        bearer token
  datadog       webhook                           bearer token as a custom header
  eventbridge   API destination                   bearer token as the connection's API key
  cloudevents   CloudEvents 1.0, both modes       bearer token
  pagerduty     webhooks, version 3               X-PagerDuty-Signature
  sns           HTTPS subscription                SNS's signature, and --sns-topic
  generic       firebreak's own form              X-Firebreak-Timestamp, and X-Firebreak-Signature: v1=HEX, the HMAC-SHA256
                                                  of "v1:TIMESTAMP:BODY"

The messages of an SQS queue (--sqs-queue) are read by long poll and deleted once they are durable. Its queue policy says who
may send; the role of this process may read that queue and nothing else.

Which incident an alert is about is decided by the routing file (--routes; see 'trigger route --help'). Without one the alert
names it itself, by the fields firebreak_kind (a kind of which there is a playbook) and firebreak_asset (an id of the
inventory). Three more say how bad it is and how sure: severity, firebreak_confidence (0 to 1) and firebreak_facet. A value
of these that cannot be used counts as not given. An alert that fits no rule, or names an asset that is not in the inventory
or is of another environment, is kept and a person is paged.

  200  every alert is durably started, joined, or given to a person
  202  some alerts are on disk in the spool (--spool), and go to Temporal as soon as it can be reached; the others as with 200
  4xx  the post is not from this sender, or cannot be read: the same again gives the same
  503  Temporal did not confirm in time, and there is no spool or it is full: the sender must try again

The first alert of an incident goes to Temporal at once. What arrives for it within a second of that waits for one batch, in
which repetitions are a count; a post is answered when the batch that carries its alerts is durable. A repetition for an
incident that is closed starts a recheck of it.

The inventory and the routing file are read again when they change. While one is faulty the last good one stays in use: the
log says what is wrong, and /readyz has the field inventory_fault or routes_fault.

With --oidc-issuer or --page-token-file it shows the incident page at /incidents. At an identity provider (OpenID Connect,
authorisation code with PKCE) people sign in by name, and decide what their role in the inventory lets them. With a token
there is no person: the page shows everything and the commands with which people decide. Without either there is no page.

GET /healthz answers while the process runs, GET /readyz while alerts can be taken in. --metrics-listen serves GET /metrics in
Prometheus' format on a port of its own.
` + slackHelp
