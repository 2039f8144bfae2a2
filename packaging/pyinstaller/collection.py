"""What of all that the program could import comes along: by name what is not found, by name what nobody needs."""

from __future__ import annotations

BY_NAME = (  # imported where a name is only known when the program runs
    *("photutils.geometry.core", "matplotlib.backends.backend_svg", "matplotlib.backends.backend_pdf"),
    *("onnx", "onnxruntime", "torch.utils.tensorboard"),
)
OF_BACKBONES = ("timm", "huggingface_hub")
RECORDS = (  # whose versions runs and reports of problems record
    *("tuning-fork", "torch", "numpy", "h5py", "astropy", "safetensors", "pydantic", "pyside6-essentials", "pyqtgraph"),
    "photutils",
)
RECORDS_OF_BACKBONES = ("timm",)
UNUSED_WITHOUT_BACKBONES = ("timm", "torchvision")
WITHOUT_BACKBONES = "TUNINGFORK_WITHOUT_BACKBONES"
"""An environment variable: if it is set, the program is frozen without ready-made networks."""

UNUSED_MODULES = [
    *("captum", "IPython", "jedi", "jupyter_client", "notebook", "pandas", "polars", "tensorflow", "dask", "sphinx"),
    *("tkinter", "PyQt5", "PyQt6", "PySide2", "PySide6.QtQml", "PySide6.QtQuick", "PySide6.QtNetwork"),
    *("hypothesis", "pytest", "_pytest", "xdist", "ruff", "pyrefly", "importlinter", "grimp", "PyInstaller"),
    *("pip", "setuptools", "wheel", "pre_commit", "virtualenv", "qtawesome", "qtpy"),
    *("caffe2", "torch.distributed.elastic", "torch.utils.benchmark", "triton"),
    *(f"torch.testing._internal.{name}" for name in ("distributed", "generated", "opinfo", "optests", "codegen")),
    *("matplotlib.backends.backend_qtagg", "matplotlib.backends.backend_tkagg", "matplotlib.tests"),
    *("grpc", "werkzeug", "tensorboard_data_server", "onnx.backend.test", "onnxruntime.transformers"),
    *("onnxruntime.quantization", "onnxruntime.tools", "scipy.datasets", "skimage.data", "sqlalchemy", "alembic"),
]

_UNUSED = (
    *("torch/include/", "torch/share/", "torch/test/", "torch/bin/test_", "torch/bin/protoc", "torchgen/", "StoreTest"),
    "libtorchbind_test",
    *("libjitbackend_test", "libbackend_with_compiler", "libaoti_custom_ops", "libshm_windows"),
    *("PySide6/Qt/translations/", "PySide6/Qt/qml/", "libQt6Quick", "libQt6Qml", "libQt6Pdf", "libQt6VirtualKeyboard"),
    *("libqgtk3", "libgtk-3", "libgdk", "libpango", "libcairo", "libatk", "libatspi", "libepoxy"),  # Qt draws itself
    *("galsim/share/sensors/", "galsim/share/bandpasses/", "galsim/share/SEDs/", "galsim/share/roman/"),
    *("matplotlib/mpl-data/sample_data/", "sklearn/datasets/data/", "onnx/backend/test/", "onnxruntime/transformers/"),
    *("pyarrow/include/", "pyarrow/src/", "libarrow_flight", "libarrow_python_flight", "pyarrow/_flight"),
    *("libarrow_s3", "pyarrow/_s3fs", "pyarrow/_gcsfs", "pyarrow/_azurefs", "pyarrow/_hdfs"),  # file systems far away
)


def is_needed(name: str) -> bool:
    """Whether a collected file is of use to the program; ``name`` is its place in the program's folder."""
    name = name.replace("\\", "/")
    return not any(part in name for part in _UNUSED) and "/tests/" not in name
