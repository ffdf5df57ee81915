package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits of one export.
const (
	MaxBytes   = 64 << 20
	maxObjects = 100_000
)

// object is what is used of a Kubernetes object.
type object struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Items      []object `json:"items"`
	Metadata   struct {
		Name      string            `json:"name"`
		Namespace string            `json:"namespace"`
		Labels    map[string]string `json:"labels"`
	} `json:"metadata"`
	Spec struct {
		Predictor *predictor `json:"predictor"`
		Selector  struct {
			MatchLabels map[string]string `json:"matchLabels"`
		} `json:"selector"`
	} `json:"spec"`
	Status struct {
		URL string `json:"url"`
	} `json:"status"`
}

// predictor is that of an InferenceService: the new form with a model, or a key a framework.
type predictor struct {
	Model      *served `json:"model"`
	SKLearn    *served `json:"sklearn"`
	XGBoost    *served `json:"xgboost"`
	TensorFlow *served `json:"tensorflow"`
	PyTorch    *served `json:"pytorch"`
	Triton     *served `json:"triton"`
	ONNX       *served `json:"onnx"`
	Hugging    *served `json:"huggingface"`
	LightGBM   *served `json:"lightgbm"`
	PMML       *served `json:"pmml"`
	Paddle     *served `json:"paddle"`
}

type served struct {
	StorageURI string `json:"storageUri"`
	Storage    *struct {
		Key  string `json:"key"`
		Path string `json:"path"`
	} `json:"storage"`
}

// uri is where the served files come from; empty if it cannot be told.
func (p *predictor) uri() string {
	for _, s := range []*served{p.Model, p.SKLearn, p.XGBoost, p.TensorFlow, p.PyTorch, p.Triton, p.ONNX, p.Hugging, p.LightGBM, p.PMML, p.Paddle} {
		if s != nil && s.StorageURI != "" {
			return s.StorageURI
		}
	}
	return ""
}

// objects reads an export: a list, an object, or several one after the other.
func objects(r io.Reader) ([]object, error) {
	limited := &io.LimitedReader{R: r, N: MaxBytes + 1}
	dec := json.NewDecoder(limited)
	var out []object
	for {
		var o object
		err := dec.Decode(&o)
		switch {
		case limited.N <= 0:
			return nil, fmt.Errorf("read the export: it is larger than %d bytes; export one namespace after the other", MaxBytes)
		case errors.Is(err, io.EOF):
			if len(out) == 0 {
				return nil, errors.New("read the export: it holds no object of Kubernetes")
			}
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("read the export: it is not what 'kubectl get -o json' writes: %w", err)
		case o.Kind == "":
			return nil, errors.New("read the export: an object has no kind: it is not what 'kubectl get -o json' writes")
		}
		if strings.HasSuffix(o.Kind, "List") {
			out = append(out, o.Items...)
			out = append(out, object{Kind: "List"}) // an empty list is an export of nothing, not a fault
		} else {
			out = append(out, o)
		}
		if len(out) > maxObjects {
			return nil, fmt.Errorf("read the export: it holds more than %d objects; export one namespace after the other", maxObjects)
		}
	}
}
