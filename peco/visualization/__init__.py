"""Pictures: reconstructions, token maps, masked predictions, classifications, curves, studies."""

from .classification_grid import classification_grid
from .curves import plot_curves, read_scalars
from .data_grid import data_grid
from .image_grid import image_grid, save_picture, to_uint8
from .masked_prediction_grid import mask_images, masked_prediction_grid
from .reconstruction_grid import reconstruction_grid
from .study_figure import plot_study, plot_study_curves
from .token_map import token_map

__all__ = [
    'classification_grid', 'data_grid', 'image_grid', 'mask_images', 'masked_prediction_grid',
    'plot_curves', 'plot_study', 'plot_study_curves', 'read_scalars', 'reconstruction_grid',
    'save_picture', 'to_uint8', 'token_map'
]
