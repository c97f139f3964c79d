# What pretrained features are worth as they are: Mask R-CNN and UperNet on a frozen backbone
# (of random weights for scratch), on the held-out images of dense-tuning.py, in that folder:
# python tools/reproduce_claim.py --study configs/claim/dense-frozen.py --study-dir DIR --resume
_base_ = 'dense-tuning.py'

title = 'Frozen backbones in dense tasks, held-out images'
report = 'dense-frozen'
seeds = 2
_frozen = {'nuclei-finetune-lr2e-3': 'nuclei-frozen', 'camvid-finetune-lr4e-3': 'camvid-frozen'}

stages = [
    stage if stage.name not in _frozen else dict(
        stage,
        name=_frozen[stage.name],
        title=f'{stage.title}, frozen backbone',
        cfg_options={
            **stage.cfg_options, 'model.backbone.frozen_stages': '6'
        }) for stage in _base_.stages
    if stage.name in _frozen or stage.name.endswith(('-tokenizer', '-pretrain'))
]
measures = [
    dict(
        measure,
        label=measure.label.split(',')[0] + ', frozen backbone:' + measure.label.split(':')[1],
        stage=_frozen[measure.stage]) for measure in _base_.measures if measure.stage in _frozen
]
smoke = dict(
    _delete_=True,
    **{
        _frozen.get(name, name): options
        for name, options in _base_.smoke.items()
        if name in _frozen or not name.split('-lr')[1:]
    })
