import json

import pytest

from peco.utils.write_json import write_json


def test_folders_are_made_and_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / 'new/figures.json'
    write_json(dict(top1=37.5), path)
    assert json.loads(path.read_text()) == dict(top1=37.5)
    with pytest.raises(TypeError):
        write_json(dict(top1=object()), path)
    assert json.loads(path.read_text()) == dict(top1=37.5)
    assert [entry.name for entry in path.parent.iterdir()] == ['figures.json']
