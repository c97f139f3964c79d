"""Packaging of PeCo; every requirement is read from ``requirements/*.txt``."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent


def requirements(name: str) -> list[str]:
    """Requirement lines of ``requirements/<name>.txt``, comments and blank lines left out."""
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text(encoding='utf-8').splitlines()
    stripped = (line.split('#', 1)[0].strip() for line in lines)
    return [line for line in stripped if line]


def version() -> str:
    """``peco.__version__`` without importing peco."""
    text = (ROOT / 'peco' / 'version.py').read_text(encoding='utf-8')
    return re.search(r"^__version__ = '([^']+)'", text, re.MULTILINE).group(1)


def long_description() -> str:
    """The README, where there is one."""
    readme = ROOT / 'README.md'
    return readme.read_text(encoding='utf-8') if readme.is_file() else ''


setup(
    name='peco',
    version=version(),
    description='Perceptual codebooks for BERT pre-training of vision transformers',
    long_description=long_description(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    keywords='computer vision, self-supervised learning, masked image modeling, tokenizer',
    classifiers=[
        'Development Status :: 3 - Alpha',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    packages=find_packages(include=['peco', 'peco.*']),
    python_requires='>=3.11,<3.13',
    install_requires=requirements('core'),
    extras_require={
        'dense': requirements('dense'),
        'tests': requirements('tests'),
        'dev': requirements('tests') + requirements('dev'),
    },
    zip_safe=False,
)
