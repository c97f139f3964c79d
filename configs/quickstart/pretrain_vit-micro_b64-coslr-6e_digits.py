_base_ = '../cifar10/pretrain_vit-micro_b256-coslr-5e_cifar10.py'

tokenizer_checkpoint = 'work_dirs/quickstart/tokenizer/epoch_3.pth'
made_by = {'_delete_': True, tokenizer_checkpoint: 'bash tools/quickstart.sh'}
# With absolute positions a few hundred steps are enough to see something.
model = dict(
    backbone=dict(abs_pos_embed=True),
    head=dict(num_classes=256),
    tokenizer=dict(quantizer=dict(codebook_size=256)),
    tokenizer_checkpoint=tokenizer_checkpoint)
train_dataloader = dict(batch_size=64, dataset=dict(data_root='data/quickstart/train'))
default_hooks = dict(logger=dict(interval=5))
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=6)]
train_cfg = dict(max_epochs=6)

_guard, _pictures, _knn = _base_.custom_hooks
_bank = dict(_knn.bank_dataloader.dataset, data_root='data/quickstart/train', num_per_class=100)
_query = dict(_knn.query_dataloader.dataset, data_root='data/quickstart/train', num_per_class=40)
custom_hooks = [
    _guard,
    dict(_pictures, interval=4),
    dict(
        _knn,
        interval=3,
        bank_dataloader=dict(_knn.bank_dataloader, dataset=_bank),
        query_dataloader=dict(_knn.query_dataloader, dataset=_query)),
]
