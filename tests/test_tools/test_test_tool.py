import json
import pickle

import torch

from peco.utils import load_checkpoint
from tests.toy_configs import make_images, run_tool


def test_metrics_as_table_and_json(classifier_run, tmp_path, capsys):
    assert run_tool('test', classifier_run / 'shared_classifier.py', classifier_run / 'epoch_2.pth',
                    '--work-dir', tmp_path, '--out', tmp_path / 'copy.json') == 0
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    assert metrics == json.loads((tmp_path / 'copy.json').read_text())
    assert set(metrics) == {'accuracy/top1'}
    out = capsys.readouterr().out
    assert 'accuracy/top1 │' in out and f"{metrics['accuracy/top1']:.4g} │" in out


def test_results_of_every_image(tokenizer_run, tmp_path):
    assert run_tool('test', tokenizer_run / 'shared_tokenizer.py', tokenizer_run / 'epoch_2.pth',
                    '--work-dir', tmp_path, '--out', tmp_path / 'results.pkl') == 0
    results = pickle.loads((tmp_path / 'results.pkl').read_bytes())
    assert len(results) == 4 and results[0]['token_ids'].shape == (8, 8)
    assert json.loads((tmp_path / 'metrics.json').read_text())['psnr'] > 0


def test_the_checkpoint_is_what_is_tested(classifier_run, tmp_path):
    checkpoint = load_checkpoint(classifier_run / 'epoch_2.pth')
    head = checkpoint['state_dict']['head.fc.bias']
    found = []
    for bias in ([100., 0.], [0., 100.]):
        head.copy_(torch.tensor(bias))
        torch.save(checkpoint, tmp_path / 'biased.pth')
        assert run_tool('test', classifier_run / 'shared_classifier.py', tmp_path / 'biased.pth',
                        '--work-dir', tmp_path, '--out', tmp_path / 'results.pkl') == 0
        results = pickle.loads((tmp_path / 'results.pkl').read_bytes())
        found.append({int(result['pred_label']) for result in results})
    assert found == [{0}, {1}]


def test_faults(classifier_run, tokenizer_run, tmp_path, capsys):
    config = classifier_run / 'shared_classifier.py'
    (tmp_path / 'broken.pth').write_text('no checkpoint')
    for checkpoint, extra, code, message in (
        ('/none.pth', [], 2, "checkpoint '/none.pth'"),
        (tmp_path / 'broken.pth', [], 2, "broken.pth' (13 bytes) is damaged"),
        (tokenizer_run / 'epoch_2.pth', [], 2, 'epoch_2.pth'),
        (classifier_run / 'epoch_2.pth', ['--out', 'results.txt'], 2, '--out results.txt'),
    ):
        assert run_tool('test', config, checkpoint, '--work-dir', tmp_path, *extra) == code
        errors = capsys.readouterr().err
        assert message in errors and 'Traceback' not in errors
    assert [path.name for path in tmp_path.iterdir()] == ['broken.pth']


def test_an_unreadable_image_is_named_not_replaced(classifier_run, tmp_path, capsys):
    data = make_images(tmp_path / 'images')
    (data / 'val/dark/0.png').write_bytes(b'broken')
    for workers in (0, 1):
        assert run_tool('test', classifier_run / 'shared_classifier.py',
                        classifier_run / 'epoch_2.pth', '--work-dir', tmp_path / f'w{workers}',
                        '--cfg-options', f'test_dataloader.dataset.data_root={data / "val"}',
                        f'test_dataloader.num_workers={workers}') == 2
        error, = [line for line in capsys.readouterr().err.splitlines() if 'error: ' in line]
        assert error.startswith(f"error: cannot read image {data / 'val/dark/0.png'}: ")
