//! The lifecycle on the cluster that KUBECONFIG names.
