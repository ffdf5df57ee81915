// Package mlflow reads a model registry through MLflow's REST API 2.0: registered models, their versions and aliases, and of
// the runs that made them the datasets and the commit. It only reads.
package mlflow
