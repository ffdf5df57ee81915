package sagemaker

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Packages is registry.quarantine for SageMaker's model registry: it rejects a version of a model package group. A version
// has no tags of its own, so that the description of its approval names the operation.
//
// A pipeline that listens for "SageMaker Model Package State Change" may take a rejection, or an approval that an undo puts
// back, as the order to deploy something. Packages therefore acts only where the inventory says that none does
// (models[].registry.reject), and everything else is a person's; the effect says so all the same.
type Packages struct{ client *Client }

// NewPackages returns the action.
func NewPackages(client *Client) *Packages { return &Packages{client: client} }

const pipelines = "; a pipeline that listens for changes of model packages may deploy now"

// approval is what Packages changes of a version.
type approval struct {
	Status      types.ModelApprovalStatus `json:"status"`
	Description string                    `json:"description,omitempty"`
}

func note(op *playbooks.Operation) string { return "firebreak: quarantined by " + tagValue(op.ID) }

func (a approval) by(op *playbooks.Operation) bool { return a.Description == note(op) }

// Capture saves the version's approval.
func (p *Packages) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	_, _, now, err := p.read(ctx, op)
	if err != nil {
		return nil, err
	}
	state, err := json.Marshal(now)
	if err != nil {
		return nil, fmt.Errorf("encode state of %s: %w", op.Target.ID, err)
	}
	return &incident.Capture{Summary: "in SageMaker it is " + string(now.Status), State: state, At: time.Now().UTC()}, nil
}

// Do rejects the version. It refuses one whose approval somebody else has changed since Capture.
func (p *Packages) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	before, err := savedApproval(op)
	if err != nil {
		return nil, err
	}
	r, name, now, err := p.read(ctx, op)
	if err != nil {
		return nil, err
	}
	wanted := approval{types.ModelApprovalStatusRejected, note(op)}
	effect := &incident.Effect{Summary: "rejected before by this operation", Facts: map[string]string{"approval": string(before.Status)}, At: time.Now().UTC()}
	if now == wanted {
		return effect, nil
	}
	if now != before && !now.by(op) {
		return nil, failure.New(failure.TargetChanged, "quarantine %s: in SageMaker it is %s since it was captured as %s", op.Target.ID, now.Status, before.Status)
	}
	if err := r.approve(ctx, name, wanted); err != nil {
		return nil, err
	}
	effect.Changed, effect.At = true, time.Now().UTC()
	effect.Summary = fmt.Sprintf("version %s of model package group %s is Rejected instead of %s%s", op.Target.Registered.Version, op.Target.Registered.Name, before.Status, pipelines)
	return effect, nil
}

// Verify finds the version in the list of its group, which Do does not read for its approval.
func (p *Packages) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	r, at, err := p.check(op)
	if err != nil {
		return nil, err
	}
	found, err := r.listed(ctx, at)
	if err != nil {
		return nil, err
	}
	proof := &incident.Proof{At: time.Now().UTC(), Proved: found.ModelApprovalStatus == types.ModelApprovalStatusRejected}
	proof.Method = fmt.Sprintf("list of model package group %s: version %s is %s", at.Name, at.Version, found.ModelApprovalStatus)
	return proof, nil
}

// Undo restores the approval that was captured, unless somebody else has decided meanwhile.
func (p *Packages) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	before, err := savedApproval(op)
	if err != nil {
		return nil, err
	}
	r, name, now, err := p.read(ctx, op)
	if err != nil {
		return nil, err
	}
	effect := &incident.Effect{Summary: "in SageMaker it is " + string(before.Status) + " as before", At: time.Now().UTC()}
	if now == before {
		return effect, nil
	}
	if !now.by(op) {
		return nil, failure.New(failure.TargetChanged, "undo quarantine of %s: somebody else has made it %s in SageMaker since", op.Target.ID, now.Status)
	}
	if err := r.approve(ctx, name, before); err != nil {
		return nil, err
	}
	effect.Changed, effect.At = true, time.Now().UTC()
	effect.Summary += pipelines
	return effect, nil
}

// check refuses what is not in SageMaker's registry.
func (p *Packages) check(op *playbooks.Operation) (*region, *inventory.Registered, error) {
	at := op.Target.Registered
	if op.Target.Kind != inventory.RegisteredTarget || at == nil || at.Platform != "sagemaker" {
		return nil, nil, failure.New(failure.Invalid, "%s: target %s is not in SageMaker's model registry", op.Action, op.Target.ID)
	}
	if !at.Reject {
		return nil, nil, failure.New(failure.Unsupported, "%s of %s: rejecting a version can start a pipeline that deploys another; tell its pipelines and reject version %s of %s by hand, or set models[].registry.reject if none listens",
			op.Action, op.Target.ID, at.Version, at.Name)
	}
	if _, err := strconv.Atoi(at.Version); err != nil {
		return nil, nil, failure.New(failure.Invalid, "%s of %s: version %q is no number, which a version of a model package group is; correct registry_version in the inventory", op.Action, op.Target.ID, at.Version)
	}
	name := p.client.Region("")
	if name == "" {
		return nil, nil, failure.New(failure.Invalid, "%s of %s: there is no AWS region; set AWS_REGION", op.Action, op.Target.ID)
	}
	return &region{p.client.models(name), nil, p.client.cfg.Credentials, p.client.poll}, at, nil
}

// read returns the version's ARN and its approval.
func (p *Packages) read(ctx context.Context, op *playbooks.Operation) (*region, *string, approval, error) {
	r, at, err := p.check(op)
	if err != nil {
		return nil, nil, approval{}, err
	}
	listed, err := r.listed(ctx, at)
	if err != nil {
		return nil, nil, approval{}, err
	}
	name := listed.ModelPackageArn
	out, err := r.models.DescribeModelPackage(ctx, &api.DescribeModelPackageInput{ModelPackageName: name})
	if err != nil {
		return nil, nil, approval{}, r.failed(ctx, "read model package "+aws.ToString(name), err)
	}
	return r, name, approval{out.ModelApprovalStatus, aws.ToString(out.ApprovalDescription)}, nil
}

// listed finds the version in the list of its group.
func (r *region) listed(ctx context.Context, at *inventory.Registered) (*types.ModelPackageSummary, error) {
	pages := api.NewListModelPackagesPaginator(r.models, &api.ListModelPackagesInput{
		ModelPackageGroupName: &at.Name, ModelPackageType: types.ModelPackageTypeVersioned, MaxResults: aws.Int32(100),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, r.failed(ctx, "list model package group "+at.Name, err)
		}
		for i := range page.ModelPackageSummaryList {
			if m := &page.ModelPackageSummaryList[i]; m.ModelPackageVersion != nil && strconv.Itoa(int(*m.ModelPackageVersion)) == at.Version {
				return m, nil
			}
		}
	}
	return nil, failure.New(failure.Invalid, "find version %s of model package group %s: %w", at.Version, at.Name, errNotFound)
}

func (r *region) approve(ctx context.Context, name *string, a approval) error {
	_, err := r.models.UpdateModelPackage(ctx, &api.UpdateModelPackageInput{ModelPackageArn: name, ModelApprovalStatus: a.Status, ApprovalDescription: &a.Description})
	return r.failed(ctx, "set approval of "+aws.ToString(name), err)
}

func savedApproval(op *playbooks.Operation) (approval, error) {
	if op.Capture == nil || len(op.Capture.State) == 0 {
		return approval{}, failure.New(failure.Invalid, "%s of %s: nothing was captured", op.Action, op.Target.ID)
	}
	var a approval
	if err := json.Unmarshal(op.Capture.State, &a); err != nil {
		return approval{}, failure.New(failure.Invalid, "%s of %s: read captured state: %w", op.Action, op.Target.ID, err)
	}
	return a, nil
}
