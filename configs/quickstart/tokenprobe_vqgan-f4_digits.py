_base_ = '../cifar10/tokenprobe_vqgan-f4_cifar10.py'

perceptual_network = 'work_dirs/quickstart/perceptual_network.pth'
made_by = {'_delete_': True, perceptual_network: 'bash tools/quickstart.sh'}
model = dict(
    quantizer=dict(codebook_size=256),
    perceptual_loss=dict(network=dict(checkpoint=perceptual_network)))
_bank, _query = _base_.test_dataloader.dataset.datasets
test_dataloader = dict(
    dataset=dict(datasets=[
        dict(_bank, data_root='data/quickstart/train', num_per_class=None),
        dict(_query, data_root='data/quickstart/test'),
    ]))
test_evaluator = [
    dict(type='peco.TokenProbe', codebook_size=256),
    dict(type='peco.ReconstructionMetric', split_role='query'),
    dict(type='peco.CodebookMetric', codebook_size=256, split_role='query'),
]
