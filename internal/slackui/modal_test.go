package slackui

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

// submitted is a modal as Slack hands it in, with the fields filled in. A field's value is its text or its selected option.
func submitted(t *testing.T, m *slack.ModalViewRequest, filled map[string]string) *slack.View {
	t.Helper()
	values := map[string]map[string]any{}
	for name, value := range filled {
		action := map[string]any{"type": "static_select", "value": value, "selected_option": map[string]any{"value": value}}
		if name == FieldHandOver {
			action = map[string]any{"type": "checkboxes", "selected_options": []any{map[string]any{"value": value}}}
		}
		id := name
		if name == FieldAsset {
			id = ActionAsset
		}
		values[name] = map[string]any{id: action}
	}
	raw, err := json.Marshal(map[string]any{
		"type": "modal", "callback_id": m.CallbackID, "private_metadata": m.PrivateMetadata, "blocks": m.Blocks, "state": map[string]any{"values": values},
	})
	require.NoError(t, err)
	view := new(slack.View)
	require.NoError(t, json.Unmarshal(raw, view))
	return view
}

func TestDeclarations(t *testing.T) {
	t.Parallel()
	good := func() map[string]string {
		return map[string]string{
			FieldKind: "extraction-event", FieldAsset: "credit-api", FieldMode: "live", FieldSeverity: "SEV2", FieldFacet: "api", FieldSummary: " many calls ",
		}
	}
	d, wrong := ParseDeclaration(submitted(t, DeclareModal(incident.Kinds(), ""), good()), incident.Kinds())
	require.Empty(t, wrong)
	require.Equal(t, Declaration{Kind: incident.ExtractionEvent, Asset: "credit-api", Mode: incident.Live, Severity: "SEV2", Facet: "api", Summary: "many calls"}, d)

	tests := map[string]struct {
		field, value string
		fine         bool
	}{
		"no kind":                {FieldKind, "", false},
		"a kind that is unknown": {FieldKind, "coffee-spill", false},
		"no asset":               {FieldAsset, "", false},
		"an asset of two lines":  {FieldAsset, "credit-api\nx", false},
		"a monstrous asset":      {FieldAsset, strings.Repeat("a", 513), false},
		"no mode":                {FieldMode, "", false},
		"another mode":           {FieldMode, "prod", false},
		"another severity":       {FieldSeverity, "SEV0", false},
		"no severity":            {FieldSeverity, "", true},
		"another facet":          {FieldFacet, "both ways", false},
		"no facet":               {FieldFacet, "", true},
		"no summary":             {FieldSummary, " \n ", false},
		"a long summary":         {FieldSummary, strings.Repeat("é", 501), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			filled := good()
			filled[tt.field] = tt.value
			d, wrong := ParseDeclaration(submitted(t, DeclareModal(incident.Kinds(), ""), filled), incident.Kinds())
			if tt.fine {
				require.Empty(t, wrong)
				return
			}
			require.Len(t, wrong, 1)
			require.NotEmpty(t, wrong[tt.field])
			require.Empty(t, d)
		})
	}
	_, wrong = ParseDeclaration(nil, incident.Kinds())
	require.Len(t, wrong, 4, "what must be filled in")
}

func TestReasons(t *testing.T) {
	t.Parallel()
	rec := record()
	ref := RefOf(rec)
	tests := map[string]struct {
		verb   Verb
		ref    Ref
		filled map[string]string
		want   Reasoned
		wrong  string
	}{
		"deny":              {VerbDeny, Ref{Step: "approve-rollback", Plan: digest}, map[string]string{FieldReason: "not yet"}, Reasoned{Verb: VerbDeny, Step: "approve-rollback", Reason: "not yet"}, ""},
		"deny, no reason":   {VerbDeny, Ref{Step: "approve-rollback"}, nil, Reasoned{}, FieldReason},
		"a long reason":     {VerbPause, Ref{}, map[string]string{FieldReason: strings.Repeat("x", 1001)}, Reasoned{}, FieldReason},
		"resume":            {VerbResume, Ref{}, nil, Reasoned{Verb: VerbResume}, ""},
		"close, hand over":  {VerbClose, Ref{}, map[string]string{FieldReason: "done", FieldHandOver: handOverValue}, Reasoned{Verb: VerbClose, Reason: "done", HandOverClocks: true}, ""},
		"close":             {VerbClose, Ref{}, map[string]string{FieldReason: "done"}, Reasoned{Verb: VerbClose, Reason: "done"}, ""},
		"skip":              {VerbSkip, Ref{}, map[string]string{FieldReason: "by hand", FieldStep: "disable-endpoints"}, Reasoned{Verb: VerbSkip, Step: "disable-endpoints", Reason: "by hand"}, ""},
		"skip, no step":     {VerbSkip, Ref{}, map[string]string{FieldReason: "by hand"}, Reasoned{}, FieldStep},
		"more: retry":       {VerbMore, Ref{}, map[string]string{FieldVerb: "retry", FieldStep: "disable-endpoints"}, Reasoned{Verb: VerbRetry, Step: "disable-endpoints"}, ""},
		"more: add":         {VerbMore, Ref{}, map[string]string{FieldVerb: "add_target", FieldAsset: "credit-batch", FieldReason: "too", FieldStep: "ignored"}, Reasoned{Verb: VerbAddTarget, Asset: "credit-batch", Reason: "too"}, ""},
		"more: add what":    {VerbMore, Ref{}, map[string]string{FieldVerb: "add_target", FieldReason: "too"}, Reasoned{}, FieldAsset},
		"more: undo":        {VerbMore, Ref{}, map[string]string{FieldVerb: "undo", FieldReason: "test"}, Reasoned{Verb: VerbUndo, Reason: "test"}, ""},
		"more: nothing":     {VerbMore, Ref{}, map[string]string{FieldReason: "x"}, Reasoned{}, FieldVerb},
		"more: not offered": {VerbMore, Ref{}, map[string]string{FieldReason: "x", FieldVerb: "deny"}, Reasoned{}, FieldVerb},
		"more: more":        {VerbMore, Ref{}, map[string]string{FieldReason: "x", FieldVerb: "more"}, Reasoned{}, FieldVerb},
		"end a wait":        {VerbEndWait, Ref{Step: "hold"}, map[string]string{FieldReason: "calm"}, Reasoned{Verb: VerbEndWait, Step: "hold", Reason: "calm"}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.ref.Incident, tt.ref.Opened = ref.Incident, ref.Opened
			m, err := ReasonModal(tt.verb, tt.ref, rec)
			require.NoError(t, err)
			got, wrong, err := ParseReason(submitted(t, m, tt.filled))
			require.NoError(t, err)
			if tt.wrong != "" {
				require.Len(t, wrong, 1)
				require.NotEmpty(t, wrong[tt.wrong])
				return
			}
			require.Empty(t, wrong)
			tt.want.Ref, tt.want.Ref.Verb = tt.ref, tt.verb
			require.Equal(t, tt.want, got)
		})
	}
}

func TestReasonsOfOthers(t *testing.T) {
	t.Parallel()
	noVerb, err := Ref{Incident: "incident/x/y"}.Encode()
	require.NoError(t, err)
	for name, view := range map[string]*slack.View{"none": nil, "no metadata": {}, "another's": {PrivateMetadata: "{}"}, "no verb": {PrivateMetadata: noVerb}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := ParseReason(view)
			require.ErrorIs(t, err, ErrRef)
		})
	}
	_, err = ReasonModal("delete", Ref{Incident: "incident/x/y"}, nil)
	require.ErrorContains(t, err, "nothing that a modal is opened for")
	_, err = ReasonModal(VerbDeny, Ref{}, nil)
	require.ErrorContains(t, err, "not the id of an incident")
	_, err = ReasonModal(VerbSkip, Ref{Incident: "incident/x/y"}, &incident.Record{})
	require.ErrorContains(t, err, "has no step to skip")
}

// An error at a field that the modal does not have would show as trouble connecting.
func TestReasonErrorsAreAtFieldsThatAreThere(t *testing.T) {
	t.Parallel()
	m, err := ReasonModal(VerbMore, Ref{Incident: "incident/x/y"}, &incident.Record{})
	require.NoError(t, err)
	_, wrong, err := ParseReason(submitted(t, m, map[string]string{FieldVerb: "skip", FieldReason: "x"}))
	require.NoError(t, err)
	require.Equal(t, FieldErrors{FieldVerb: "No step of this incident can be skipped or retried."}, wrong)
}

func TestVerbsFitTheirModals(t *testing.T) {
	t.Parallel()
	for _, v := range append(steering(), VerbDeny, VerbClose, VerbFalsePositive, VerbPause, VerbResume, VerbEndWait, VerbMore) {
		text, ok := v.text()
		require.True(t, ok)
		require.LessOrEqual(t, len(text.title), maxTitle)
		require.LessOrEqual(t, len(text.submit), maxTitle)
	}
	require.False(t, Verb("").known())
	require.Equal(t, ActionTask, ActionKind(ActionTask+":3"))
	require.Equal(t, ActionStatus, ActionKind(ActionStatus))
}

func TestAssetOptions(t *testing.T) {
	t.Parallel()
	ids := []string{"credit-api", "", strings.Repeat("a", 151)}
	for range 200 {
		ids = append(ids, "x")
	}
	got := AssetOptions(ids)
	require.Len(t, got.Options, maxOptions)
	require.Equal(t, "credit-api", got.Options[0].Value)
	require.Equal(t, "x", got.Options[1].Value)
}

func TestLinks(t *testing.T) {
	t.Parallel()
	require.Equal(t, "https://fb.example/incidents/x/loans@7%3F", Link("https://fb.example/", "incident/x/loans@7?"))
	require.Empty(t, Link("", "incident/x/y"))
	for _, wrong := range []string{"", "javascript:alert(1)", "ftp://x.example", "https://", "https://user@x.example", "%", "https://x.example/" + strings.Repeat("y", 3000)} {
		require.Nil(t, linkButton(wrong), wrong)
	}
}

func FuzzParseReason(f *testing.F) {
	value, err := Ref{Incident: "incident/x/y", Verb: VerbMore}.Encode()
	require.NoError(f, err)
	f.Add(value, "skip", "disable", "asset", "reason")
	f.Fuzz(func(t *testing.T, metadata, verb, step, asset, reason string) {
		values := map[string]map[string]slack.BlockAction{
			FieldVerb:   {FieldVerb: {SelectedOption: slack.OptionBlockObject{Value: verb}}},
			FieldStep:   {FieldStep: {SelectedOption: slack.OptionBlockObject{Value: step}}},
			FieldAsset:  {ActionAsset: {SelectedOption: slack.OptionBlockObject{Value: asset}}},
			FieldReason: {FieldReason: {Value: reason}},
		}
		r, wrong, err := ParseReason(&slack.View{PrivateMetadata: metadata, State: &slack.ViewState{Values: values}})
		if err != nil || len(wrong) > 0 {
			require.Empty(t, r)
			return
		}
		require.True(t, r.Verb.known())
		require.NotEqual(t, VerbMore, r.Verb)
		require.True(t, incident.IsWorkflowID(r.Ref.Incident))
	})
}
