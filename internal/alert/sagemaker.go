package alert

import (
	"strings"
	"time"
)

// violations is how a job of Model Monitor ends that found its constraints violated.
const violations = "CompletedWithViolations"

// sageMaker turns an event of SageMaker into a signal: the state of an endpoint, a job of Model Monitor, a model package.
func (p *Post) sageMaker(e *event, received time.Time) Signal {
	s := p.newSignal(SageMaker, received)
	for name, key := range map[string]string{
		"endpoint": "EndpointName", "endpoint_config": "EndpointConfigName", "endpoint_status": "EndpointStatus",
		"processing_job": "ProcessingJobName", "job_status": "ProcessingJobStatus", "exit_message": "ExitMessage",
		"monitoring_schedule": "MonitoringScheduleArn", "model_package": "ModelPackageArn", "model_package_group": "ModelPackageGroupName",
		"approval_status": "ModelApprovalStatus", "failure_reason": "FailureReason",
	} {
		s.Fields.Set(name, scalar(e.Detail[key]))
	}
	// The endpoint that a monitored job watched is in what the job was given.
	environment, _ := e.Detail["Environment"].(map[string]any)
	s.Fields.Set("publish_metrics_for", scalar(environment["sagemaker_endpoint_name"]))
	s.Fields.Set("endpoint", scalar(environment["sagemaker_endpoint_name"]))
	s.Fields.Set("monitoring_schedule", scalar(environment["sagemaker_monitoring_schedule_name"]))
	if strings.Contains(s.Fields["exit_message"], violations) {
		s.Fields.Set("violations", "true")
	}
	p.plainEvent(&s, e)
	if s.Summary == "" {
		s.Summary = s.Fields["exit_message"]
	}
	s.identify(e.ID, e.Account, e.Region, e.ID)
	return s
}
