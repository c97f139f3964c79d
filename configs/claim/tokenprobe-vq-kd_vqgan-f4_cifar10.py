# The tokens of VQ-KD; there is no image to look at.
_base_ = '../cifar10/tokenprobe_vqgan-f4_cifar10.py'

model = dict(
    _base_.vq_kd_tokenizer,
    _delete_=True,
    network=_base_.perceptual_loss.network,
    data_preprocessor=_base_.model.data_preprocessor)
test_evaluator = [
    dict(type='peco.TokenEmbeddingProbe', codebook_size=1024),
    *(metric for metric in _base_.test_evaluator if metric.type != 'peco.ReconstructionMetric'),
]
