"""States of earlier releases name the classes that work on their resources. They are pickled by name, and must be found."""

import base64
import pickle

import pytest
from pulumi.dynamic import ResourceProvider

OLD = {
    "MountProvider": "gASVNgAAAAAAAACMHWNvbXBvbmVudHMuc2VjcmV0cy52YXVsdF9vbmNllIwNTW91bnRQcm92aWRlcpSTlCmBlC4=",
    "SaltKeyProvider": "gASVOAAAAAAAAACMHWNvbXBvbmVudHMuc2VjcmV0cy52YXVsdF9vbmNllIwPU2FsdEtleVByb3ZpZGVylJOUKYGULg==",
    "AWS SaltKeyProvider": "gASVNgAAAAAAAACMG2NvbXBvbmVudHMuc2VjcmV0cy5hd3Nfb25jZZSMD1NhbHRLZXlQcm92aWRlcpSTlCmBlC4=",
    "InitialValueProvider": "gASVOwAAAAAAAACMG2NvbXBvbmVudHMuc2VjcmV0cy5hd3Nfb25jZZSMFEluaXRpYWxWYWx1ZVByb3ZpZGVylJOUKYGULg==",
    "OwnKeyProvider": "gASVNAAAAAAAAACMGmNvbXBvbmVudHMuc2VjcmV0cy5hd3Nfa2V5lIwOT3duS2V5UHJvdmlkZXKUk5QpgZQu",
}
"""`__provider` of the dynamic resources, as release 0.1.0 wrote it into every state."""


@pytest.mark.parametrize("module", ["vault_generated", "aws_generated"])
def test_the_providers_of_generated_values_are_found_by_their_names(module: str):
    name = f"ccomponents.secrets.{module}\nGeneratedProvider\n)\x81.".encode("latin-1")
    assert isinstance(pickle.loads(name), ResourceProvider)


@pytest.mark.parametrize("name", OLD)
def test_the_provider_of_an_old_state_is_found(name: str):
    provider = pickle.loads(base64.b64decode(OLD[name]))
    assert isinstance(provider, ResourceProvider)
    assert type(provider).__name__ == name.rpartition(" ")[2]
