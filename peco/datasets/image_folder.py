"""A folder of images, with or without class folders."""

import hashlib
import logging
import os.path as osp
from collections.abc import Sequence

from mmengine.fileio import exists, get_file_backend, isdir, list_from_file
from mmengine.logging import print_log
from mmpretrain.datasets import CustomDataset
from mmpretrain.datasets.custom import find_folders, get_samples

from peco.registry import DATASETS
from peco.token_cache import TokenCache

from .subset import holdout_positions, per_class_positions
from .view_pipeline import ViewPipeline

IMAGE_EXTENSIONS = ('.jpg', '.jpeg', '.png', '.bmp', '.ppm', '.pgm', '.tif', '.tiff', '.webp')


@DATASETS.register_module()
class ImageFolder(CustomDataset):
    """Images of class folders, of any nested folder, or of an annotation file.

    ``with_label=True`` takes the sub-folders of ``data_root/data_prefix`` as classes;
    ``with_label=False`` takes every image below it. An annotation file lists ``path label`` (or
    ``path``) lines instead. Images that cannot be read are skipped in training
    (see :class:`peco.datasets.transforms.LoadImage`); when none can be read, that is an error.

    Args:
        data_root: Root of ``data_prefix`` and ``ann_file``.
        data_prefix: Folder of the images.
        ann_file: Annotation file, if any.
        with_label: Whether samples have labels.
        split_role: ``'bank'`` or ``'query'``, written into every sample for metrics that compare
            two splits (kNN, token probe).
        holdout: ``dict(fraction=0.1, part='train' | 'val', seed=0)`` keeps one part of a split by
            class, so that a validation split can be cut from the training images.
        num_per_class: Keep this many images of each class (after ``holdout``). Smaller subsets
            lie inside larger ones.
        seed: Seed of ``num_per_class``.
        allow_fewer: Take all images of a class that has fewer than ``num_per_class``, with a
            warning, instead of an error.
        extensions: File extensions, in any case.
        max_refetch: Unreadable images in a row before giving up.
        token_cache: Folder of a :class:`peco.token_cache.TokenCache` of these images: each access
            replays one of its views, chosen at random, and adds ``token_ids``.
        **kwargs: Further arguments of mmengine's ``BaseDataset`` and mmpretrain's
            ``CustomDataset`` (``pipeline``, ``test_mode``, ``metainfo``, ``indices``, ...).

    Raises:
        FileNotFoundError: If the folder or the annotation file does not exist.
        ValueError: If there are no images, an argument is impossible, or the token cache was made
            of other images or with other transforms.

    Example:
        >>> dataset = ImageFolder('data/cifar10', 'train', num_per_class=500,
        ...                       holdout=dict(fraction=0.1, part='train'))  # doctest: +SKIP
    """

    def __init__(self,
                 data_root: str = '',
                 data_prefix: str | dict = '',
                 ann_file: str = '',
                 with_label: bool = True,
                 split_role: str | None = None,
                 holdout: dict | None = None,
                 num_per_class: int | None = None,
                 seed: int = 0,
                 allow_fewer: bool = False,
                 extensions: Sequence[str] = IMAGE_EXTENSIONS,
                 max_refetch: int = 100,
                 token_cache: str | None = None,
                 **kwargs) -> None:
        if split_role not in (None, 'bank', 'query'):
            raise ValueError(f"split_role must be 'bank', 'query' or None, got {split_role!r}")
        if num_per_class is not None and not with_label:
            raise ValueError('num_per_class needs with_label=True')
        if not (data_root or data_prefix or ann_file):
            raise ValueError('ImageFolder needs a data_root')
        self.split_role = split_role
        self.holdout = holdout
        self.num_per_class = num_per_class
        self.seed = seed
        self.allow_fewer = allow_fewer
        self.token_cache = None if token_cache is None else TokenCache(token_cache)
        super().__init__(
            data_root=osp.expanduser(data_root),
            data_prefix=data_prefix,
            ann_file=ann_file,
            with_label=with_label,
            extensions=extensions,
            max_refetch=max_refetch,
            **kwargs)

    def full_init(self) -> None:
        """Load the list of images, and check the token cache against it."""
        if self._fully_initialized:
            return
        super().full_init()
        if self.token_cache is not None:
            self._views = ViewPipeline(self.pipeline)
            self.token_cache.check(
                images=len(self), data=self.files_fingerprint, pipeline=self._views.describe())

    def load_data_list(self) -> list[dict]:
        """Find the samples and keep the chosen subset."""
        names, labels = self._from_ann_file() if self.ann_file else self._from_folder()
        keep = range(len(names))
        if self.holdout is not None:
            keep = holdout_positions(names, labels, **self.holdout)
            names, labels = [names[i] for i in keep], [labels[i] for i in keep]
        if self.num_per_class is not None:
            keep = per_class_positions(names, labels, self.num_per_class, self.seed,
                                       self.allow_fewer)
            names, labels = [names[i] for i in keep], [labels[i] for i in keep]
        if not names:
            raise ValueError(f'holdout={self.holdout} leaves no image of {self.img_prefix}')
        listed = '\n'.join([*names, f'indices={self._indices}'])
        self.files_fingerprint = hashlib.sha256(listed.encode()).hexdigest()
        backend = get_file_backend(self.img_prefix, enable_singleton=True)
        data_list = []
        for name, label in zip(names, labels, strict=True):
            info = dict(img_path=backend.join_path(self.img_prefix, name))
            if self.with_label:
                info['gt_label'] = label
            data_list.append(info)
        return data_list

    def _from_folder(self) -> tuple[list[str], list[int]]:
        """Names relative to the image folder, and labels (0 without labels)."""
        root = self.img_prefix
        if not isdir(root):
            raise FileNotFoundError(f'image folder {osp.abspath(root)} does not exist. '
                                    f'{self._mend()}')
        if not self.with_label:
            names, _ = get_samples(root, None, self.is_valid_file)
            if not names:
                raise ValueError(self._empty_message(root))
            return list(names), [0] * len(names)
        classes, folder_to_idx = find_folders(root)
        samples, empty = get_samples(root, folder_to_idx, self.is_valid_file)
        if not samples:
            flat, _ = get_samples(root, None, self.is_valid_file)
            if flat:
                raise ValueError(
                    f'{osp.abspath(root)} has {len(flat)} images but no class folders. For images '
                    'without labels set with_label=False of this data set in the config')
            raise ValueError(self._empty_message(root))
        if empty:
            print_log(f'no image in {len(empty)} class folders of {osp.abspath(root)}: '
                      f'{sorted(empty)[:10]}; they still count as classes',
                      logger='current', level=logging.WARNING)
        if self.CLASSES is None:
            self._metainfo['classes'] = tuple(classes)
        elif len(self.CLASSES) != len(classes):
            raise ValueError(f'{osp.abspath(root)} has {len(classes)} class folders, but '
                             f'{len(self.CLASSES)} classes are given')
        self.folder_to_idx = folder_to_idx
        names, labels = zip(*samples, strict=True)
        return list(names), list(labels)

    def _from_ann_file(self) -> tuple[list[str], list[int]]:
        """Parse the annotation file."""
        if not exists(self.ann_file):
            raise FileNotFoundError(f'annotation file {osp.abspath(self.ann_file)} does not '
                                    f'exist. {self._mend()}')
        names, labels = [], []
        for number, line in enumerate(list_from_file(self.ann_file), 1):
            if not line.strip():
                continue
            name, label = line.strip(), '0'
            if self.with_label:
                name, _, label = name.rpartition(' ')
            if not name or not label.isdecimal():
                raise ValueError(f'{self.ann_file}, line {number}: expected "path label", got '
                                 f'{line!r}. For a list without labels set with_label=False '
                                 'of this data set in the config')
            names.append(name)
            labels.append(int(label))
        if not names:
            raise ValueError(f'annotation file {osp.abspath(self.ann_file)} lists no image')
        return names, labels

    def _mend(self) -> str:
        # The data set does not know its place in the config; the check before a run does.
        return ('Put the data there, or set data_root of this data set in the config to another '
                f'folder (now data_root={self.data_root!r})')

    def _empty_message(self, root: str) -> str:
        return (f'no image in {osp.abspath(root)} (looked for {", ".join(sorted(self.extensions))}'
                f'). {self._mend()}')

    def prepare_data(self, idx: int) -> dict | None:
        """Run the pipeline on one sample."""
        info = self.get_data_info(idx)
        info['test_mode'] = self.test_mode
        if self.split_role is not None:
            info['split_role'] = self.split_role
        if self.token_cache is not None:
            return self._views.replay(info, self.token_cache)
        return self.pipeline(info)

    def __getitem__(self, idx: int) -> dict:
        """Fetch a sample; in training, another one for each that cannot be read.

        Raises:
            UnreadableImageError: In test mode, from the pipeline.
            RuntimeError: If the pipeline gives nothing, whatever image it gets.
        """
        if not self._fully_initialized:
            self.full_init()
        first, failed = idx, set()
        for _ in range(self.max_refetch + 1):
            data = self.prepare_data(idx)
            if data is not None:
                return data
            failed.add(idx)
            if self.test_mode or len(failed) == len(self):
                break
            idx = self._rand_another()
        path = self.get_data_info(first)['img_path']
        reason = next((t.failures[path] for t in self.pipeline.transforms
                       if path in getattr(t, 'failures', {})), 'the pipeline returned nothing')
        raise RuntimeError(f'no readable image among {len(failed)} of {len(self)} tried in '
                           f'{osp.abspath(self.img_prefix)}; the first: {path}: {reason}')

    def extra_repr(self) -> list[str]:
        """Lines about the subset for the printed dataset."""
        return super().extra_repr() + [
            f'Split role: \t{self.split_role}', f'Holdout: \t{self.holdout}',
            f'Images per class: \t{self.num_per_class}'
        ]
