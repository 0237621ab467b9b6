from tests.rendered_job import rendered

__all__ = ["rendered"]
