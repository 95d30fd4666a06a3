"""The functions of oscrypto that AS2 peers call, over `cryptography`: oscrypto itself knows no current OpenSSL."""
