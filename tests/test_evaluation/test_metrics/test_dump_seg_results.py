import pickle

import numpy as np
import pytest
import torch

from peco.evaluation.metrics import DumpSegResults


@pytest.mark.parametrize('count, kind', [(256, np.uint8), (257, np.uint16), (None, np.uint16)])
def test_classes_of_pixels_alone_in_one_type_for_all_images(count, kind, tmp_path):
    metric = DumpSegResults(str(tmp_path / 'a.pkl'))
    if count is None:
        count = 300
    else:
        metric.dataset_meta = dict(classes=[str(index) for index in range(count)])
    for image in range(3):
        labels = torch.full((1, 2, 4), min(image * 128, count - 1))
        metric.process(None, [dict(img_path=f'{image}.png', seg_logits=dict(data=torch.ones(9)),
                                   pred_sem_seg=dict(data=labels))])
    metric.evaluate(3)
    results = pickle.loads((tmp_path / 'a.pkl').read_bytes())
    assert [item['pred_sem_seg'].dtype for item in results] == [kind] * 3
    assert [item['pred_sem_seg'].max() for item in results] == [0, 128, min(256, count - 1)]
    assert results[0]['pred_sem_seg'].shape == (2, 4)
    assert set(results[0]) == {'img_path', 'pred_sem_seg'}
