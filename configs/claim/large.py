# For a GPU: a ViT of 4.7 M parameters, masked image modelling on all 50,000 images, tokenizers on
# all but the 2,000 that they hold out, f five times as long; the rest, learning rates too, as in
# extended.py. Not run yet:
# python tools/reproduce_claim.py --study configs/claim/large.py --study-dir DIR
_base_ = 'extended.py'

title = 'Where the tokens come from (CIFAR-10, all images, ViT of 4.7 M parameters)'
work_dir = 'work_dirs/claim/cifar10-large'
arms = ['scratch', 'pixel', 'pixel-x50', 'peco', 'vq-kd']
seeds = 3
report = 'results'

_long = {'train_cfg.max_epochs': 40, 'param_scheduler.1.end': 40}
_all = {'train_dataloader.dataset.num_per_class': 5000}
_wide = {
    'model.backbone.arch.embed_dims': 256,
    'model.backbone.arch.num_heads': 8,
    'model.backbone.arch.feedforward_channels': 1024
}
_head = {**_wide, 'model.head.in_channels': 256}
# Options of a stage, and how many times as long as in extended.py it takes.
_changes = {stage.name: ({}, 1) for stage in (*_base_.shared, *_base_.stages)}
_changes.update({
    'perceptual': (_long, 5),
    'tokenizer': ({'train_dataloader.dataset.num_per_class': 4800}, 2.4),
    'token-cache': (_all, 2.5),
    'pretrain': ({**_all, **_wide, 'model.head.embed_dims': 256}, 9),
    'linear': (_head, 2),
    **dict.fromkeys(['epoch10', 'epoch20', 'epoch30', 'knn'], (_wide, 2)),
    **dict.fromkeys([f'finetune-{labels}{test}' for labels in ('1k', '5k', '50k')
                     for test in ('', '-test')], (_head, 3.5)),
})  # yapf: disable
shared, stages = ([
    dict(
        stage,
        cfg_options={
            **stage.get('cfg_options', {}),
            **_changes[stage.name][0]
        },
        minutes=stage.minutes * _changes[stage.name][1]) for stage in of_all
] for of_all in (_base_.shared, _base_.stages))
