"""Demo data made on the spot: handwritten digits on textured canvases."""

from .demo_data import make_demo_data
from .scene import DemoScene, compose_scene

__all__ = ['DemoScene', 'compose_scene', 'make_demo_data']
