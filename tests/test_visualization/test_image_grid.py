import numpy as np
import pytest
import torch
from PIL import Image

from peco.visualization import image_grid, save_picture, to_uint8


def test_float_images_become_bytes():
    images = torch.tensor([-1., 0., 0.5, 2.]).reshape(4, 1, 1, 1).expand(4, 3, 2, 2)
    assert to_uint8(images)[:, 0, 0, 0].tolist() == [0, 0, 128, 255]
    assert to_uint8(images.bfloat16()).shape == (4, 2, 2, 3)
    bytes_already = np.zeros((1, 2, 2, 3), np.uint8)
    assert to_uint8(bytes_already) is bytes_already


@pytest.mark.parametrize('images', [torch.zeros(3, 4, 4), torch.zeros(1, 4, 4, 3),
                                    torch.zeros(1, 3, 4, 4, dtype=torch.uint8)])
def test_other_shapes_are_refused(images):
    with pytest.raises(ValueError, match='pictures must be float'):
        to_uint8(images)


def test_pictures_stand_in_their_cells():
    colors = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
    row = np.broadcast_to(colors[:, None, None], (3, 4, 4, 3))
    picture = image_grid([row, row[::-1]], ['', ''], cell=20)
    for color in colors:
        # Twice each, 20x20 pixels, no blur.
        assert (picture == color).all(-1).sum() == 800
    assert (picture[12, 12] == colors[0]).all()


def test_labels_and_captions_are_drawn():
    row = np.zeros((1, 4, 4, 3), np.uint8)
    plain = image_grid([row], [''])
    labelled = image_grid([row], ['a label'], [['below']], title='title')
    assert labelled.shape[0] > plain.shape[0] and labelled.shape[1] > plain.shape[1]
    assert (labelled[:, :60] < 200).any()


def test_long_captions_do_not_run_into_the_next():
    row = np.full((2, 4, 4, 3), 255, np.uint8)
    picture = image_grid([row], [''], [['x' * 200, '']], cell=60)
    assert (picture[:, 12 + 60:] == 255).all()


def test_rows_of_different_lengths():
    with pytest.raises(ValueError, match=r'rows of \[1, 2\]'):
        image_grid([np.zeros((1, 4, 4, 3), np.uint8), np.zeros((2, 4, 4, 3), np.uint8)], ['', ''])


def test_saved_whole(tmp_path):
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    path = save_picture(picture, tmp_path / 'new/picture.png')
    assert np.array_equal(np.asarray(Image.open(path)), picture)
    assert [other.name for other in path.parent.iterdir()] == ['picture.png']
