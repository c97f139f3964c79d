"""Test-time augmentation of a config."""

from __future__ import annotations

from mmengine.config import Config, ConfigDict

from peco.utils.config import ConfigError


def use_tta(cfg: Config) -> None:
    """Test with several views of each image: put ``tta_model`` and ``tta_pipeline`` in place.

    Args:
        cfg: The config, changed in place.

    Raises:
        ConfigError: It has no ``tta_model`` or no ``tta_pipeline``.
    """
    missing = [key for key in ('tta_model', 'tta_pipeline') if cfg.get(key) is None]
    if missing:
        raise ConfigError(f"--tta: the config has no {' and no '.join(missing)}; a config of "
                          'configs/ade20k has both')
    tta = ConfigDict(cfg.tta_model)
    # mmengine would hand the config's own preprocessor down, in place of the model's.
    if (preprocessor := cfg.model.get('data_preprocessor')) is not None:
        tta.data_preprocessor = preprocessor
    cfg.model = ConfigDict(tta, module=cfg.model)
    dataset = cfg.test_dataloader.dataset
    while 'dataset' in dataset:
        dataset = dataset.dataset
    dataset.pipeline = cfg.tta_pipeline
