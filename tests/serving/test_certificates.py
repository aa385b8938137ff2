import datetime as dt

import msgspec
import pytest
from cryptography import x509

from scaler.serving.certificates import (
    AUTHORITY_MARGIN,
    DAY,
    LEAF_LIFE,
    LEAF_MARGIN,
    Material,
    due,
    issued_by,
    make_authority,
    make_leaf,
    renew,
    served_names,
    service_names,
)

NOW = 1_790_000_000.0
NAMES = service_names(["scaler-operator", "scaler-metrics"], "scaler")


def first(pem):
    return x509.load_pem_x509_certificates(pem)[0]


def test_a_service_has_the_four_names_it_is_called_by():
    assert service_names(["m"], "keda", "example.org") == ("m", "m.keda", "m.keda.svc", "m.keda.svc.example.org")
    assert service_names(["m", "m", ""], "keda")[0] == "m"
    assert len(service_names(["m", "m", ""], "keda")) == 4


def test_there_is_nothing_to_renew_right_after_making():
    made = renew(None, NAMES, NOW)
    assert due(made, NAMES, NOW) == ""
    assert due(made, NAMES, NOW + LEAF_LIFE - LEAF_MARGIN - DAY) == ""


def test_the_leaf_is_for_both_sides_and_every_name():
    made = renew(None, NAMES, NOW)
    leaf = first(made.certificate)
    assert served_names(leaf) == list(NAMES)
    assert issued_by(leaf, [first(made.ca)])
    uses = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {use._name for use in uses} == {"serverAuth", "clientAuth"}
    assert leaf.not_valid_before_utc < dt.datetime.fromtimestamp(NOW, dt.UTC)


def test_a_common_name_never_exceeds_what_x509_allows():
    long = "a-very-long-service-name-that-goes-on-and-on.in-a-namespace-with-a-long-name.svc"
    assert len(first(renew(None, [long], NOW).certificate).subject.rfc4514_string()) <= len("CN=") + 64


def test_an_old_leaf_is_renewed_and_its_authority_kept():
    old = renew(None, NAMES, NOW)
    later = NOW + LEAF_LIFE - LEAF_MARGIN + DAY
    assert "the certificate has 89 days left" in due(old, NAMES, later)
    new = renew(old, NAMES, later)
    assert (new.ca, new.ca_key) == (old.ca, old.ca_key)
    assert new.certificate != old.certificate
    assert due(new, NAMES, later) == ""


def test_an_old_authority_is_replaced_and_stays_trusted_until_it_ends():
    authority = make_authority(NOW, life=AUTHORITY_MARGIN + DAY)
    old = material_of(authority, make_leaf(authority, NAMES, NOW))
    later = NOW + 2 * DAY
    assert "the authority" in due(old, NAMES, later)
    new = renew(old, NAMES, later)
    assert due(new, NAMES, later) == ""
    both = x509.load_pem_x509_certificates(new.ca)
    assert len(both) == 2
    assert both[1] == authority.certificate
    assert issued_by(first(old.certificate), both)
    far = later + AUTHORITY_MARGIN + DAY
    assert x509.load_pem_x509_certificates(renew(msgspec.structs.replace(new, ca_key=b"lost"), NAMES, far).ca)[
        1:
    ] == [both[0]]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        ({"ca": b""}, "ca.crt or ca.key cannot be read"),
        ({"ca": b"-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n"}, "ca.crt or ca.key"),
        ({"ca_key": b"rubbish"}, "ca.crt or ca.key cannot be read"),
        ({"certificate": b"rubbish"}, "tls.crt or tls.key cannot be read"),
        ({"key": renew(None, NAMES, NOW).key}, "tls.key is not the key of tls.crt"),
        ({"ca_key": renew(None, NAMES, NOW).ca_key}, "ca.key is not the key of ca.crt"),
    ],
)
def test_what_is_spoilt_is_named_and_made_anew(spoil, says):
    spoilt = msgspec.structs.replace(renew(None, NAMES, NOW), **spoil)
    assert says in due(spoilt, NAMES, NOW)
    assert due(renew(spoilt, NAMES, NOW), NAMES, NOW) == ""


def test_a_leaf_of_another_authority_is_made_anew():
    one, two = renew(None, NAMES, NOW), renew(None, NAMES, NOW)
    mixed = msgspec.structs.replace(one, certificate=two.certificate, key=two.key)
    assert due(mixed, NAMES, NOW) == "tls.crt is not signed by ca.crt"


def test_a_leaf_for_fewer_names_is_made_anew():
    made = renew(None, NAMES[:4], NOW)
    assert due(made, NAMES, NOW) == "tls.crt lacks the name scaler-metrics"


def test_a_certificate_from_the_future_is_made_anew():
    made = renew(None, NAMES, NOW + 30 * DAY)
    assert "not valid yet" in due(made, NAMES, NOW)


def test_a_certificate_without_names_is_refused():
    with pytest.raises(ValueError, match="at least one DNS name or address"):
        make_leaf(make_authority(NOW), [], NOW)


def material_of(authority, leaf):
    from scaler.serving.certificates import _key_pem, _pem

    return Material(_pem(authority.certificate), _pem(leaf.certificate), _key_pem(leaf.key), _key_pem(authority.key))


def test_an_address_is_a_name_of_its_own_kind():
    names = ["127.0.0.1", "::1", "localhost"]
    made = renew(None, names, NOW)
    assert set(served_names(first(made.certificate))) == set(names)
    assert due(made, names, NOW) == ""
