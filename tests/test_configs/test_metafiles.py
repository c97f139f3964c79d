"""Each folder of configs has a metafile that lists its models."""

import pytest
from mmengine.config import Config

from tests.toy_configs import ROOT

FOLDERS = sorted({path.parent.name for path in ROOT.glob('configs/*/*_*.py')
                 if path.parent.name != '_base_'})


@pytest.mark.parametrize('name', FOLDERS)
def test_the_metafile_lists_every_config(name):
    folder = ROOT / 'configs' / name
    meta = Config.fromfile(folder / 'metafile.yml')
    listed = [model['Config'] for model in meta.Models]
    # Pipelines and studies have names of one word.
    assert sorted(listed) == sorted(str(path.relative_to(ROOT)) for path in folder.glob('*_*.py'))
    names = [model['Name'] for model in meta.Models]
    assert [f'configs/{folder.name}/{name}.py' for name in names] == listed


def test_the_index_names_every_metafile():
    index = Config.fromfile(ROOT / 'model-index.yml').Import
    assert sorted(index) == sorted(str(path.relative_to(ROOT))
                                   for path in ROOT.glob('configs/*/metafile.yml'))
