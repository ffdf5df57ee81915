package standin

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"firebreak/playbooks"
	"firebreak/workflows"
)

// stopTimeout lets running activities finish, as the real worker does.
const stopTimeout = 30 * time.Second

// Workers are the workers of every task queue, in this process.
type Workers struct {
	client   client.Client
	platform *Platform
	extra    func(worker.Registry)
	running  []worker.Worker
}

// StartWorkers starts one worker for each task queue with the options of the real worker, the real workflows and the
// platform's stand-ins. Extra, which may be nil, registers what else the queues of incidents run.
func StartWorkers(c client.Client, p *Platform, extra func(worker.Registry)) (*Workers, error) {
	w := &Workers{client: c, platform: p, extra: extra}
	if err := w.start(); err != nil {
		w.Stop()
		return nil, err
	}
	return w, nil
}

func (w *Workers) start() error {
	for _, queue := range []playbooks.Queue{playbooks.ContainQueue, playbooks.EvidenceQueue, playbooks.NotifyQueue, playbooks.DrillQueue} {
		one := worker.New(w.client, string(queue), worker.Options{WorkerStopTimeout: stopTimeout})
		w.platform.register(one)
		if queue == playbooks.ContainQueue || queue == playbooks.DrillQueue {
			RegisterWorkflows(one)
			if w.extra != nil {
				w.extra(one)
			}
		}
		if err := one.Start(); err != nil {
			return fmt.Errorf("start worker of queue %s: %w", queue, err)
		}
		w.running = append(w.running, one)
	}
	return nil
}

// Stop stops the workers once their activities have ended.
func (w *Workers) Stop() {
	for _, one := range w.running {
		one.Stop()
	}
	w.running = nil
}

// Restart stops the workers, forgets every workflow that was held in memory, and starts others: the open incidents are
// rebuilt from their histories.
func (w *Workers) Restart() error {
	w.Stop()
	worker.PurgeStickyWorkflowCache()
	return w.start()
}

// RegisterWorkflows registers every workflow type under its name in the contract.
func RegisterWorkflows(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(workflows.BackdoorDiscovery, workflow.RegisterOptions{Name: workflows.BackdoorDiscoveryWorkflow})
	r.RegisterWorkflowWithOptions(workflows.ExtractionEvent, workflow.RegisterOptions{Name: workflows.ExtractionEventWorkflow})
	r.RegisterWorkflowWithOptions(workflows.DatasetCompromise, workflow.RegisterOptions{Name: workflows.DatasetCompromiseWorkflow})
	r.RegisterWorkflowWithOptions(workflows.Custom, workflow.RegisterOptions{Name: workflows.CustomWorkflow})
}

// register registers every activity of the contract on every queue: which queue an activity is sent to is in its history.
func (p *Platform) register(r worker.ActivityRegistry) {
	add := func(name string, f any) { r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	add(playbooks.PlanActivity, p.plan)
	add(playbooks.SealActivity, p.seal)
	add(playbooks.RemindActivity, p.remind)
	add(playbooks.KeepAlertActivity, p.keepAlert)
	add(playbooks.ThreadActivity, p.thread)
	for _, a := range playbooks.Catalogue() {
		add(playbooks.ActivityName(a.Name, playbooks.Capture), p.capture)
		add(playbooks.ActivityName(a.Name, playbooks.Do), p.do)
		add(playbooks.ActivityName(a.Name, playbooks.Verify), p.verify)
		add(playbooks.ActivityName(a.Name, playbooks.Undo), p.undo)
	}
}
