import torch

from peco.engine.hooks import TokenizerSizeHook


def test_height_comes_first_and_the_first_batch_counts():
    hook, checkpoint = TokenizerSizeHook(), {}
    for size in ((16, 32), (8, 8)):
        hook.after_train_iter(None, 0, dict(inputs=[torch.zeros(3, *size)] * 2))
    hook.before_save_checkpoint(None, checkpoint)
    assert checkpoint == dict(image_size=[16, 32])
