package main

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/proto"

	"firebreak/playbooks"
)

// cost is what one run took, by the server's own clock, from its start to the workflow task that took the last
// activity's result.
type cost struct {
	took time.Duration
	// activities and tasks count the activities and the workflow tasks; events and bytes are those of the history.
	activities, tasks, events, bytes int
	// Where the time went: activities and workflow tasks waiting to be started by a worker, and being worked on.
	activityWait, activityWork, taskWait, taskWork time.Duration
}

func readHistory(ctx context.Context, c client.Client, id string) ([]*history.HistoryEvent, error) {
	var out []*history.HistoryEvent
	events := c.GetWorkflowHistory(ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return nil, fmt.Errorf("read history of %s: %w", id, err)
		}
		out = append(out, e)
	}
	return out, nil
}

// untilSettled cuts the history after the workflow task that took the result of the last activity: of an incident the
// first seal, which is what it settles after, of any other workflow the last activity of all.
func untilSettled(events []*history.HistoryEvent) []*history.HistoryEvent {
	last, sealed := 0, int64(0)
	for i, e := range events {
		if a := e.GetActivityTaskScheduledEventAttributes(); a.GetActivityType().GetName() == playbooks.SealActivity && sealed == 0 {
			sealed = e.GetEventId()
		}
		if done := e.GetActivityTaskCompletedEventAttributes(); done != nil {
			last = i
			if done.GetScheduledEventId() == sealed {
				break
			}
		}
	}
	for i := last; i < len(events); i++ {
		if events[i].GetEventType() == enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			return events[:i+1]
		}
	}
	return events
}

func readCost(ctx context.Context, c client.Client, id string) (cost, error) {
	events, err := readHistory(ctx, c, id)
	if err != nil {
		return cost{}, err
	}
	events = untilSettled(events)
	var out cost
	at := map[int64]time.Time{}
	for _, e := range events {
		now := e.GetEventTime().AsTime()
		at[e.GetEventId()] = now
		out.events++
		out.bytes += proto.Size(e)
		switch e.GetEventType() {
		case enums.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			out.activityWait += now.Sub(at[e.GetActivityTaskStartedEventAttributes().GetScheduledEventId()])
		case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			out.activities++
			out.activityWork += now.Sub(at[e.GetActivityTaskCompletedEventAttributes().GetStartedEventId()])
		case enums.EVENT_TYPE_WORKFLOW_TASK_STARTED:
			out.taskWait += now.Sub(at[e.GetWorkflowTaskStartedEventAttributes().GetScheduledEventId()])
		case enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
			out.tasks++
			out.taskWork += now.Sub(at[e.GetWorkflowTaskCompletedEventAttributes().GetStartedEventId()])
		}
	}
	out.took = events[len(events)-1].GetEventTime().AsTime().Sub(events[0].GetEventTime().AsTime())
	return out, nil
}
