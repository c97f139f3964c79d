import numpy as np

from peco.utils.mask_polygons import mask_polygons


def test_polygons_follow_the_edges_of_pixels():
    mask = np.zeros((12, 10), bool)
    mask[2:5, 3:9] = True
    mask[8:11, 1:3] = True
    polygons = mask_polygons(mask)
    assert len(polygons) == 2
    for box, polygon in zip([(3, 2, 9, 5), (1, 8, 3, 11)],
                            sorted(polygons, key=lambda points: -max(points[::2])), strict=True):
        x, y = polygon[::2], polygon[1::2]
        assert np.allclose([min(x), min(y), max(x), max(y)], box, atol=0.13)
