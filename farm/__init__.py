"""A batch render farm for diffusion animations. Importing it loads neither torch nor ray."""

__version__ = "0.1.0"
