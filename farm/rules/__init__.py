"""Every rule on a manifest, one file per subject: pure functions of what it says and of its inputs."""
