"""The tools on detectors and segmentors: train, resume, test, draw, several views, two ranks."""

import json
import logging
import os
import pickle
import subprocess
from math import ceil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from peco.utils import load_checkpoint
from tests.toy_configs import run_tool

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')

from mmdet.structures import DetDataSample  # noqa: E402
from mmdet.visualization import DetLocalVisualizer  # noqa: E402
from mmseg.models import SegTTAModel  # noqa: E402

from peco.apis import init_model, predict_dense  # noqa: E402
from peco.apis.inference import image_array  # noqa: E402
from peco.engine.dense import ShowPredictionsHook  # noqa: E402
from tests.dense_toys import (  # noqa: E402
    ROOT,
    SIZES,
    detector_config,
    make_ade,
    make_coco,
    segmentor_config,
)

TASKS = dict(detector=(detector_config, make_coco), segmentor=(segmentor_config, make_ade))


@pytest.fixture(scope='module', params=TASKS)
def trained(request, tmp_path_factory):
    """A config file and a checkpoint of three steps."""
    make_config, make_data = TASKS[request.param]
    folder = tmp_path_factory.mktemp(f'tools_{request.param}')
    cfg = make_config(make_data(folder / 'data'), folder / 'run')
    cfg.pop('experiment_name')
    if request.param == 'detector':
        cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1, val_interval=9)
    else:
        cfg.train_cfg.update(max_iters=3, val_interval=9)
        cfg.default_hooks.checkpoint.interval = 3
        ratios = cfg.tta_pipeline[1].transforms[0]
        cfg.tta_pipeline[1].transforms[0] = [dict(ratios[0], scale=(320, side))
                                             for side in (40, 60)]
    path = folder / f'tools_{request.param}.py'
    cfg.dump(str(path))
    assert run_tool('train', path) == 0
    return request.param, path, (folder / 'run/last_checkpoint').read_text()


def drawn(folder):
    return {path.name: cv2.imread(str(path)) for path in folder.iterdir()}


def test_resume_goes_on(trained, tmp_path):
    task, path, checkpoint = trained
    longer = dict(detector='train_cfg.max_epochs=2', segmentor='train_cfg.max_iters=6')[task]
    assert run_tool('train', path, '--work-dir', tmp_path, '--resume', checkpoint,
                    '--cfg-options', longer, 'default_hooks.checkpoint.interval=1') == 0
    first, last = (load_checkpoint(name) for name in (
        checkpoint, (tmp_path / 'last_checkpoint').read_text()))
    assert (first['meta']['iter'], last['meta']['iter']) == (3, 6)
    assert not torch.equal(*(c['state_dict']['backbone.cls_token'] for c in (first, last)))


def assert_one_image_gives_the_same(task, config, checkpoint, tested, tmp_path):
    model = init_model(str(config), checkpoint, 'cpu')
    image = tested['img_path']
    for given in (image, image_array(image)):
        sample = predict_dense(model, given)
        if task == 'segmentor':
            assert np.array_equal(sample.pred_sem_seg.data[0].numpy(), tested['pred_sem_seg'])
        else:
            found, of_test = sample.pred_instances, tested['pred_instances']
            assert torch.allclose(found.scores, of_test['scores'], atol=1e-4)
            assert torch.allclose(found.bboxes, of_test['bboxes'], atol=0.05)
    out = tmp_path / 'prediction.png'
    assert run_tool('infer', config, checkpoint, image, '--out', out, '--score-thr', 0.) == 0
    height, width = SIZES[0]
    larger = ceil(360 / height)
    assert cv2.imread(str(out)).shape[:2] == (larger * height, larger * width)
    assert run_tool('infer', config, checkpoint, image, '--out', tmp_path / 'a.npy') == 2


def test_metrics_and_pictures(trained, tmp_path, capsys):
    task, path, checkpoint = trained
    assert run_tool('test', path, checkpoint, '--work-dir', tmp_path, '--show-dir',
                    tmp_path / 'show', '--out', tmp_path / 'results.pkl') == 0
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    names = dict(detector={f'coco/{kind}_mAP{part}' for kind in ('bbox', 'segm')
                           for part in ('', '_50', '_75', '_s', '_m', '_l')},
                 segmentor={'mIoU', 'mAcc', 'aAcc'})[task]
    assert set(metrics) == names
    out = capsys.readouterr().out
    for name, value in metrics.items():
        assert any(name in line and f'{value:.4g}' in line for line in out.splitlines())
    results = pickle.loads((tmp_path / 'results.pkl').read_bytes())
    assert len(results) == 6
    if task == 'segmentor':  # no logits, which would fill the memory
        assert [(item['pred_sem_seg'].dtype, item['pred_sem_seg'].shape) for item in results] == [
            (np.uint8, size) for size in SIZES]
        assert all(set(item) == {'img_path', 'pred_sem_seg'} for item in results)
    assert_one_image_gives_the_same(task, path, checkpoint, results[0], tmp_path)
    pictures = drawn(tmp_path / 'show')
    overview = pictures.pop('overview.png')
    assert len(pictures) == 6 and overview.shape[1] > 3 * 480  # three columns
    assert overview.shape[0] < 600  # of annotation and prediction, side by side
    differences = []
    for name, (height, width) in zip(sorted(pictures), SIZES, strict=True):
        picture = pictures[name].astype(int)
        larger = ceil(360 / min(height, width))  # small images are enlarged
        height, width = larger * height, larger * width
        assert picture.shape == (height, 2 * width, 3)  # annotation and prediction
        differences.append(np.abs(picture[:, :width] - picture[:, width:]).mean())
    assert sum(difference > 1 for difference in differences) >= 5  # one image has no box


def test_the_number_of_pictures_is_limited(trained, tmp_path):
    _, path, checkpoint = trained
    assert run_tool('test', path, checkpoint, '--work-dir', tmp_path, '--show-dir',
                    tmp_path / 'show', '--show-limit', 2) == 0
    assert len(drawn(tmp_path / 'show')) == 2 + 1


@pytest.mark.parametrize('classes, labels, texts', [
    (1, None, 0), (3, None, 1), (1, True, 1), (3, False, 0)])
def test_labels_of_one_class_are_left_out(classes, labels, texts, tmp_path):
    visualizer = DetLocalVisualizer(name=f'labels_{classes}_{labels}')
    visualizer.dataset_meta = dict(classes=tuple('abc'[:classes]), palette=[(9, 9, 9)] * classes)
    written = []
    draw = visualizer.draw_texts

    class Watching(type(visualizer)):
        def draw_texts(self, *args, **kwargs):
            written.append(args)
            return draw(*args, **kwargs)

    visualizer.__class__ = Watching
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((40, 40, 3), np.uint8))
    sample = DetDataSample(metainfo=dict(img_path=str(tmp_path / 'a.png')))
    sample.pred_instances = InstanceData(
        bboxes=torch.tensor([[4., 4., 20., 20.]]), labels=torch.zeros(1, dtype=torch.long),
        scores=torch.ones(1))
    hook = ShowPredictionsHook(str(tmp_path / 'out'), labels=labels)
    runner = SimpleNamespace(visualizer=visualizer, logger=logging.getLogger(), work_dir='')
    hook.before_test_epoch(runner)
    hook.after_test_iter(runner, 0, outputs=[sample])
    hook.after_test_epoch(runner)
    assert len(written) == texts
    assert sorted(drawn(tmp_path / 'out')) == ['a.png', 'overview.png']
    visualizer.draw_texts('again', torch.zeros(2))
    assert len(written) == texts + 1  # only the hook's own pictures are without


def test_several_views(trained, tmp_path, capsys, monkeypatch):
    task, path, checkpoint = trained
    views = []
    merge = SegTTAModel.merge_preds
    monkeypatch.setattr(SegTTAModel, 'merge_preds', lambda self, samples: (
        views.append([(s.img_shape, s.flip) for s in samples[0]]), merge(self, samples))[1])
    code = run_tool('test', path, checkpoint, '--work-dir', tmp_path / 'tta', '--tta')
    if task == 'detector':
        assert code == 2 and '--tta: the config has no tta_model' in capsys.readouterr().err
        assert not (tmp_path / 'tta').exists()
        return
    assert code == 0
    assert {'mIoU', 'mAcc'} < set(json.loads((tmp_path / 'tta/metrics.json').read_text()))
    assert len(views) == 6
    assert {flip for _, flip in views[0]} == {False, True}
    assert len({shape for shape, _ in views[0]}) == 2  # two scales, each with its mirror image


@pytest.mark.whole
def test_on_two_ranks(trained, tmp_path):
    task, path, checkpoint = trained
    environment = dict(os.environ, OMP_NUM_THREADS='1')
    subprocess.run(
        ['bash', str(ROOT / 'tools/dist_test.sh'), path, checkpoint, '2', '--work-dir', tmp_path,
         *(['--tta'] if task == 'segmentor' else [])],
        env=environment, check=True, capture_output=True, timeout=300)
    several = json.loads((tmp_path / 'metrics.json').read_text())
    assert run_tool('test', path, checkpoint, '--work-dir', tmp_path / 'one',
                    *(['--tta'] if task == 'segmentor' else [])) == 0
    one = json.loads((tmp_path / 'one/metrics.json').read_text())
    assert several == pytest.approx(one, abs=0.02)
