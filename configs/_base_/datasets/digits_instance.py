# Scenes of 64 px with one to three digits, all of one class; images are neither cut nor flipped.
_base_ = './nuclei_instance.py'
data_root = 'data/quickstart/scenes'


def _scenes(split):
    return dict(
        data_root=data_root,
        ann_file=f'annotations/instances_{split}.json',
        data_prefix=dict(img=f'{split}/'),
        metainfo=dict(classes=('digit', ), palette=[(220, 20, 60)]))


_load, _annotations, *_, _pack = _base_.train_pipeline
train_pipeline = [_load, _annotations, _pack]
train_dataloader = dict(
    batch_size=8, dataset=dict(_scenes('train'), pipeline=train_pipeline))
val_dataloader = dict(batch_size=8, dataset=_scenes('test'))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + '/annotations/instances_test.json')
test_evaluator = val_evaluator
