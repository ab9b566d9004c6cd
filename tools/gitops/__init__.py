"""A stack for Argo CD: its Kubernetes objects as files, rendered offline from the same program. See docs/gitops.md."""
