_base_ = '../cifar10/tokenizer_vqgan-f4_b128-coslr-2e_cifar10.py'

perceptual_network = 'work_dirs/quickstart/perceptual_network.pth'
made_by = {'_delete_': True, perceptual_network: 'bash tools/quickstart.sh'}
model = dict(
    # 400 steps: codes follow sooner and idle ones are moved more often.
    quantizer=dict(codebook_size=256, decay=0.9, restart_interval=10),
    perceptual_loss=dict(network=dict(checkpoint=perceptual_network)))
optim_wrapper = dict(optimizer=dict(lr=2e-3))
train_dataloader = dict(batch_size=32, dataset=dict(data_root='data/quickstart/train'))
val_dataloader = dict(dataset=dict(data_root='data/quickstart/train'))
val_evaluator = [
    dict(type='peco.ReconstructionMetric'),
    dict(type='peco.CodebookMetric', codebook_size=256),
]
test_dataloader = val_dataloader
test_evaluator = val_evaluator
default_hooks = dict(logger=dict(interval=10))
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=3)]
train_cfg = dict(max_epochs=3)
