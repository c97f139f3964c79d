import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from peco.datasets.prepare import find_nuclei, write_nuclei


def write_sample(root, name, boxes, size=(16, 20)):
    """An image of 16x20 px in the bowl's layout, its nuclei rectangles ``(x1, y1, x2, y2)``."""
    folder = root / name
    (folder / 'images').mkdir(parents=True)
    (folder / 'masks').mkdir()
    Image.new('RGBA', size[::-1], (10, 200, 30, 255)).save(folder / f'images/{name}.png')
    for number, (x1, y1, x2, y2) in enumerate(boxes):
        mask = np.zeros(size, np.uint8)
        mask[y1:y2, x1:x2] = 255
        Image.fromarray(mask).save(folder / f'masks/{number}.png')
    return folder


def test_masks_come_back_from_the_annotations(tmp_path):
    boxes = {'a' * 64: [(2, 3, 9, 8), (10, 10, 20, 16)], 'b' * 64: [(0, 0, 6, 6), (8, 8, 12, 13)],
             'c' * 64: []}
    for name, of_image in boxes.items():
        write_sample(tmp_path / 'source', name, of_image)
    folders = find_nuclei(tmp_path / 'source')
    assert [*write_nuclei(folders, tmp_path / 'out', ['b' * 16])] == [1, 2, 3]
    train = COCO(tmp_path / 'out/annotations/instances_train.json')
    val = COCO(tmp_path / 'out/annotations/instances_val.json')
    assert [image['file_name'][:1] for image in train.loadImgs([1, 2])] == ['a', 'c']
    assert not train.getAnnIds(2)
    for coco, image_id, split, name in ((train, 1, 'train', 'a'), (val, 1, 'val', 'b')):
        image = Image.open(tmp_path / f'out/{split}/{name * 16}.png')
        info, = coco.loadImgs(image_id)
        assert image.mode == 'RGB' and image.size == (info['width'], info['height']) == (20, 16)
        kept = [box for box in boxes[name * 64] if (box[2] - box[0]) * (box[3] - box[1]) > 20]
        annotations = coco.loadAnns(coco.getAnnIds(image_id))
        assert [item['bbox'] for item in annotations] == [
            [x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in kept]
        for item, (x1, y1, x2, y2) in zip(annotations, kept, strict=True):
            mask = np.zeros((16, 20), np.uint8)
            mask[y1:y2, x1:x2] = 1
            assert item['area'] == mask.sum()
            assert np.array_equal(coco.annToMask(item), mask)


def test_tiny_parts_are_left_out(tmp_path):
    write_sample(tmp_path / 'source', 'a' * 64, [(0, 0, 5, 4), (8, 8, 15, 11)])
    write_sample(tmp_path / 'source', 'b' * 64, [])
    list(write_nuclei(find_nuclei(tmp_path / 'source'), tmp_path / 'out', ['b' * 16]))
    annotations = COCO(tmp_path / 'out/annotations/instances_train.json').anns.values()
    assert [item['area'] for item in annotations] == [21]


def test_missing_and_wrong_files(tmp_path):
    with pytest.raises(FileNotFoundError, match='stage1_train'):
        find_nuclei(tmp_path)
    folder = write_sample(tmp_path / 'source', 'a' * 64, [(0, 0, 9, 9)])
    folders = find_nuclei(folder.parent)
    with pytest.raises(ValueError, match="1 of 2 validation images are not .* 'ffff'"):
        next(write_nuclei(folders, tmp_path / 'out', ['a' * 16, 'ffff']))
    with pytest.raises(ValueError, match='none is left for training'):
        next(write_nuclei(folders, tmp_path / 'out', ['a' * 16]))
    Image.new('L', (4, 4), 255).save(folder / 'masks/1.png')
    with pytest.raises(ValueError, match=r"1\.png' has the shape \(4, 4\)"):
        list(write_nuclei(folders, tmp_path / 'out', []))
    assert [path.name for path in tmp_path.iterdir()] == ['source']
