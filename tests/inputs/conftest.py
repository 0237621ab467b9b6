from tests.analyze.conftest import classifier, clip
from tests.rendered_job import rendered

__all__ = ["classifier", "clip", "rendered"]
