# What a perceptual codebook depends on: λ, weights of the losses, depths, their normalisation, the
# perceptual network, the size of the codebook and the length of training, one at a time, on the
# validation split. Run it in the folder of core.py, which it takes perceptual network, classifier
# and four tokenizers from:
# python tools/reproduce_claim.py --study configs/claim/tokenizers.py --study-dir DIR --resume
_base_ = 'extended.py'

title = 'Tokenizers, validation images (10 % of the CIFAR-10 training images)'
report = 'tokenizers'
seeds = 1

_loss, _codes = 'model.perceptual_loss.', 'model.quantizer.codebook_size'
_long = {'train_cfg.max_epochs': '12', 'param_scheduler.1.end': '12'}
_variants = {
    'lambda0.25': {_loss + 'weight': '0.25'},
    'lambda4': {_loss + 'weight': '4.'},
    # As pixel-x50 to pixel: both terms as much larger, so that the commitment loss weighs less.
    'peco-x10': {
        _loss + 'weight': '10.',
        'model.pixel_loss.weight': '10.'
    },
    # As pixel-x50 but for its size, which AdamW hardly sees: clipping is what is left of it.
    'pixel-beta0.005': {
        _loss + 'weight': '0.',
        'model.commitment_weight': '0.005'
    },
    'deeper': {_loss + 'layer_weights': '[0.,0.,2.,2.]'},
    'deepest': {_loss + 'layer_weights': '[0.,0.,0.,4.]'},
    # What VQ-KD learns from, through images.
    'features-only': {
        _loss + 'layer_weights': '[0.,0.,0.,4.]',
        'model.pixel_loss.weight': '0.'
    },
    'raw-features': {_loss + 'normalize_channels': 'False'},
    # f of the same size that 45,000 labels have trained: what would a better f give?
    'supervised': {'{network}': '{work_dir}/supervised_network.pth'},
    # f itself, trained for a quarter of its epochs: what does a worse one cost?
    'f-2e': {'{network}': '{work_dir}/short_network.pth'},
    **{f'{arm}k{number}': {**options, _codes: number, 'val_evaluator.1.codebook_size': number}
       for number in ('256', '64')
       for arm, options in (('pixel-', {_loss + 'weight': '0.'}), ('', {}))},
    'pixel-12e': {**_long, _loss + 'weight': '0.'},
    '12e': _long,
}  # yapf: disable
known_arms = [*_base_.known_arms, *_variants]
_shared_arms = ['pixel', 'pixel-x50', 'peco', 'vq-kd']
arms = [*_shared_arms, *_variants]
_of_images = [arm for arm in arms if arm != 'vq-kd']

_of_peco = _base_.names['peco']
names = {arm: dict(_of_peco) for arm in _variants}
_tokenizer = next(stage for stage in _base_.stages if stage.name == 'tokenizer')
_peco = 'configs/claim/tokenizer-peco_vqgan-f4_b128-coslr-6e_cifar10-20k.py'
_judge = {'test_evaluator.0.checkpoint': '{last:classifier}'}

_of_f = {stage.name: stage for stage in _base_.shared}
_out = ['--out-indices', '0', '1', '2', '3']
shared = [
    *(dict(stage) for stage in _base_.shared),
    dict(
        _of_f['perceptual'],
        name='perceptual-2e',
        title='perceptual network, two epochs',
        cfg_options={
            'train_cfg.max_epochs': 2,
            'param_scheduler.1.end': 2
        },
        minutes=9),
    dict(
        name='short-network',
        title='export it',
        run='tools/export_perceptual.py',
        args=[
            _of_f['perceptual'].config, '{last:perceptual-2e}', '{work_dir}/short_network.pth',
            *_out
        ],
        makes='{work_dir}/short_network.pth',
        minutes=0.2),
    dict(
        _of_f['perceptual-knn'],
        name='perceptual-knn-2e',
        title='its kNN',
        checkpoint='{last:perceptual-2e}'),
    dict(
        name='supervised-network',
        title='export the classifier as perceptual network',
        run='tools/export_perceptual.py',
        args=[
            'configs/claim/classifier_resnet18_b128-coslr-5e_cifar10.py', '{last:classifier}',
            '{work_dir}/supervised_network.pth', *_out
        ],
        makes='{work_dir}/supervised_network.pth',
        minutes=0.2),
]
stages = [
    dict(_tokenizer, arms=_shared_arms),
    *(dict(
        _tokenizer,
        arms=[arm],
        config=_peco,
        cfg_options={
            **_tokenizer.cfg_options,
            **options
        },
        minutes=36 if arm.endswith('12e') else 18) for arm, options in _variants.items()),
    *(dict(
        name='tokens-holdout',
        title='what the tokens keep',
        arms=of_arms,
        run='test',
        config=f'configs/claim/{config}_vqgan-f4_cifar10.py',
        checkpoint='{last:{run}/tokenizer}',
        cfg_options={
            '{network}': '{work_dir}/perceptual_network.pth',
            **options
        },
        minutes=3) for of_arms, config, options in (
            ([arm for arm in _of_images if not arm.endswith(('k256', 'k64'))],
             'tokenprobe-holdout', _judge),
            *(([f'pixel-k{number}', f'k{number}'], 'tokenprobe-holdout', {
                **_judge, _codes: number,
                **{f'test_evaluator.{place}.codebook_size': number for place in (1, 2, 4)}
            }) for number in ('256', '64')),
            # What tokens can tell that are learned from the features themselves.
            (['vq-kd'], 'tokenprobe-vq-kd-holdout', {}))),
]
measures = [
    dict(
        measure,
        stage='tokens-holdout',
        arms=arms if 'vq-kd' in measure.arms else _of_images)
    for measure in _base_.measures if measure.stage == 'tokens'
]
smoke = dict(
    _delete_=True,
    **{
        name: options for name, options in _base_.smoke.items()
        if name in ('perceptual', 'perceptual-knn', 'classifier', 'tokenizer')
    },
    **{
        'perceptual-2e': _base_.smoke['perceptual'],
        'perceptual-knn-2e': _base_.smoke['perceptual-knn'],
        'tokens-holdout': _base_.smoke['tokens']
    })
