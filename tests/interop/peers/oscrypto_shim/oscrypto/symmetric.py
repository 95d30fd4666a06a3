# mypy: ignore-errors
"""Ciphers in CBC mode; those that are no longer used by anyone (RC2, RC4, DES) are not here."""

import os

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.padding import PKCS7

try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:
    from cryptography.hazmat.primitives.ciphers.algorithms import TripleDES


def aes_cbc_pkcs7_encrypt(key, data, iv):
    """AES; the vector comes back with the result."""
    return _encrypt(AES(key), data, iv)


def aes_cbc_pkcs7_decrypt(key, data, iv):
    """AES."""
    return _decrypt(AES(key), data, iv)


def tripledes_cbc_pkcs5_encrypt(key, data, iv):
    """Triple DES; the vector comes back with the result."""
    return _encrypt(TripleDES(key), data, iv)


def tripledes_cbc_pkcs5_decrypt(key, data, iv):
    """Triple DES."""
    return _decrypt(TripleDES(key), data, iv)


def _encrypt(algorithm, data, iv):
    iv = iv or os.urandom(algorithm.block_size // 8)
    padder, encryptor = PKCS7(algorithm.block_size).padder(), Cipher(algorithm, modes.CBC(iv)).encryptor()
    padded = padder.update(data) + padder.finalize()
    return iv, encryptor.update(padded) + encryptor.finalize()


def _decrypt(algorithm, data, iv):
    unpadder, decryptor = PKCS7(algorithm.block_size).unpadder(), Cipher(algorithm, modes.CBC(iv)).decryptor()
    padded = decryptor.update(data) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()
