"""Put the images of a folder into shards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from peco.datasets.image_folder import ImageFolder
from peco.utils.whole_file import whole_file
from peco.utils.write_json import write_json

from .shard_index import INDEX, ShardIndex

_PLAN = 'plan.json'


def write_shards(dataset: ImageFolder, out: str | Path, images_per_shard: int = 1000,
                 seed: int = 0) -> Iterator[int]:
    """Write shards in a random order, file by file as they are, and an index.

    The order is shuffled once, so that neighbours in a shard are not of one class. A shard whose
    file is whole is not written again, so that an interrupted call goes on where it was; a plan
    in the folder holds it to the same arguments.

    Args:
        dataset: The images; the classes too if it has labels.
        out: Folder of the shards.
        images_per_shard: Images of a shard.
        seed: Seed of the order.

    Yields:
        Number of images that are done.

    Raises:
        FileExistsError: If the folder holds a finished set of shards, or a part of another.
    """
    import webdataset
    folder = Path(out).expanduser()
    if (folder / INDEX).exists():
        raise FileExistsError(f"'{out}' holds shards already: name another folder, or remove it")
    plan = dict(images_per_shard=images_per_shard, seed=seed, with_label=dataset.with_label,
                files=dataset.files_fingerprint)
    if (folder / _PLAN).exists():
        if json.loads((folder / _PLAN).read_text()) != plan:
            raise FileExistsError(f"'{out}' holds a part of other shards (of other images, or with "
                                  'other arguments): name another folder, or remove it')
    elif folder.is_dir() and any(folder.glob('*.tar')):
        raise FileExistsError(f"'{out}' holds other tar files: name an empty folder")
    write_json(plan, folder / _PLAN)
    order = np.random.default_rng(seed).permutation(len(dataset))
    parts = [order[start:start + images_per_shard]
             for start in range(0, len(order), images_per_shard)]
    names = [f'{number:06d}.tar' for number in range(len(parts))]
    done = 0
    for name, part in zip(names, parts, strict=True):
        if not (folder / name).exists():
            with whole_file(folder / name) as unfinished, webdataset.TarWriter(
                    str(unfinished), encoder=False) as writer:
                for image in part:
                    writer.write(_sample(dataset, int(image)))
                    done += 1
                    yield done
        else:
            done += len(part)
            yield done
    classes = list(dataset.CLASSES) if dataset.with_label and dataset.CLASSES else None
    ShardIndex(names, [len(part) for part in parts], classes).write(folder)
    (folder / _PLAN).unlink()


def _sample(dataset: ImageFolder, image: int) -> dict[str, str | bytes]:
    info = dataset.get_data_info(image)
    path = Path(info['img_path'])
    # Keys of webdataset must not hold dots, so that the number stands for the path.
    sample = {'__key__': f'{image:09d}', path.suffix[1:].lower(): path.read_bytes(),
              'path': str(path.relative_to(dataset.img_prefix)).encode()}
    if 'gt_label' in info:
        sample['cls'] = str(info['gt_label']).encode()
    return sample
