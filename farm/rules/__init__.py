"""The rules for manifests, one file per subject: pure functions of the manifest and its resolved inputs."""
