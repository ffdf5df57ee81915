package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"firebreak/activities"
	"firebreak/playbooks"
	"firebreak/workflows"
)

// stopTimeout lets running activities finish after SIGTERM. The SDK's default of zero would cut them off.
const stopTimeout = 30 * time.Second

// work runs one worker for each task queue until ctx ends. The queues are separate so that a long copy or a drill never
// holds a containment slot.
func work(ctx context.Context, c client.Client, set activities.Set, log *slog.Logger) error {
	var running []worker.Worker
	defer func() {
		for _, w := range running {
			w.Stop()
		}
	}()
	failed := make(chan error, 1)
	for _, queue := range []playbooks.Queue{playbooks.ContainQueue, playbooks.EvidenceQueue, playbooks.NotifyQueue, playbooks.DrillQueue} {
		w := worker.New(c, string(queue), worker.Options{
			WorkerStopTimeout: stopTimeout,
			OnFatalError: func(err error) {
				select {
				case failed <- fmt.Errorf("worker of queue %s: %w", queue, err):
				default:
				}
			},
		})
		set.Register(w, queue)
		if queue == playbooks.ContainQueue || queue == playbooks.DrillQueue {
			registerWorkflows(w)
		}
		if err := w.Start(); err != nil {
			return fmt.Errorf("start worker of queue %s: %w", queue, err)
		}
		running = append(running, w)
	}
	log.Info("worker is ready", "queues", len(running))
	select {
	case <-ctx.Done():
		log.Info("stopping; running activities get time to finish", "seconds", int(stopTimeout.Seconds()))
		return nil
	case err := <-failed:
		return err
	}
}

func registerWorkflows(w worker.Worker) {
	w.RegisterWorkflowWithOptions(workflows.BackdoorDiscovery, workflow.RegisterOptions{Name: workflows.BackdoorDiscoveryWorkflow})
	w.RegisterWorkflowWithOptions(workflows.ExtractionEvent, workflow.RegisterOptions{Name: workflows.ExtractionEventWorkflow})
	w.RegisterWorkflowWithOptions(workflows.DatasetCompromise, workflow.RegisterOptions{Name: workflows.DatasetCompromiseWorkflow})
	w.RegisterWorkflowWithOptions(workflows.Custom, workflow.RegisterOptions{Name: workflows.CustomWorkflow})
	w.RegisterWorkflowWithOptions(workflows.Triage, workflow.RegisterOptions{Name: workflows.TriageWorkflow})
	w.RegisterWorkflowWithOptions(workflows.EvidenceAccess, workflow.RegisterOptions{Name: workflows.EvidenceAccessWorkflow})
}
