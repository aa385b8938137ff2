from scaler.kube.answers import refusal


def test_a_refusal_carries_the_servers_own_words() -> None:
    body = b'{"kind":"Status","code":409,"reason":"Conflict","message":"the object has been modified"}'
    error = refusal(409, body)
    assert (error.status, error.reason, error.message) == (409, "Conflict", "the object has been modified")


def test_text_that_is_no_status_becomes_the_message() -> None:
    error = refusal(503, b"service unavailable\n", phrase="Service Unavailable")
    assert (error.status, error.reason, error.message) == (503, "Service Unavailable", "service unavailable")


def test_an_empty_answer_still_says_something() -> None:
    assert refusal(502, b"").message == "the server gave no message"


def test_the_time_to_come_back_is_read_from_the_header_or_from_the_details() -> None:
    body = b'{"kind":"Status","code":429,"details":{"retryAfterSeconds":7}}'
    assert refusal(429, body).retry_after == 7
    assert refusal(429, body, "2").retry_after == 2
    assert refusal(429, b"", "Wed, 21 Oct 2026 07:28:00 GMT").retry_after is None


def test_json_that_is_another_kind_is_not_taken_for_a_status() -> None:
    assert refusal(400, b'{"kind":"Pod","message":"x"}').message == '{"kind":"Pod","message":"x"}'
