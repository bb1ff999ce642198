import { describe, expect, it } from 'vitest';
import { addressKind } from '../../src/events/address.ts';
import { parseGuardedUrl, URL_CHARACTERS_MAX } from '../../src/events/guarded-url.ts';

const CLOSED = { allowLoopback: false };
const DEVELOPMENT = { allowLoopback: true };

describe('URLs that may be called', () => {
  it.each([
    'https://hooks.example.com/in',
    'https://HOOKS.example.com/in?x=1',
    'https://hooks.example.com:443/in',
    'https://hooks.example.com:8443/in',
    'https://hooks.example.com',
    'https://xn--bcher-kva.example/in',
    'https://8.8.8.8/in',
    'https://[2606:4700:4700::1111]/in',
    'https://[2606:4700:4700:0:0:0:0:1111]/in',
    'https://[64:ff9b::8.8.8.8]/in',
    'https://[::ffff:8.8.8.8]/in',
  ])('%s', (url) => {
    expect(parseGuardedUrl(url, CLOSED)).toMatchObject({ ok: true });
  });
});

describe('URLs that are refused', () => {
  it.each([
    // Scheme
    ['http://hooks.example.com/', 'scheme_refused'],
    ['ftp://hooks.example.com/', 'scheme_refused'],
    ['file:///etc/passwd', 'url_malformed'],
    ['gopher://hooks.example.com/', 'scheme_refused'],
    ['data:text/plain,x', 'url_malformed'],
    ['javascript:alert(1)', 'url_malformed'],
    ['//hooks.example.com/', 'url_malformed'],
    ['/in', 'url_malformed'],
    ['', 'url_malformed'],
    // Spellings that readers of URLs disagree about
    ['https:hooks.example.com', 'url_malformed'],
    ['https:/hooks.example.com', 'url_malformed'],
    ['https:///hooks.example.com', 'url_malformed'],
    ['https:\\\\hooks.example.com', 'url_malformed'],
    ['https://hooks.example.com\\@127.0.0.1/', 'url_malformed'],
    [' https://hooks.example.com/', 'url_malformed'],
    ['https://hooks.exa\tmple.com/', 'url_malformed'],
    ['https://hooks.example.com/\nx', 'url_malformed'],
    ['https://bücher.example/', 'url_malformed'],
    ['https://①②⑦.0.0.1/', 'url_malformed'],
    [`https://hooks.example.com/${'a'.repeat(URL_CHARACTERS_MAX)}`, 'url_malformed'],
    // Credentials
    ['https://user:secret@hooks.example.com/', 'credentials_refused'],
    ['https://user@hooks.example.com/', 'credentials_refused'],
    ['https://hooks.example.com@127.0.0.1/', 'credentials_refused'],
    ['https://@hooks.example.com/', 'credentials_refused'],
    // Ports
    ['https://hooks.example.com:22/', 'port_refused'],
    ['https://hooks.example.com:25/', 'port_refused'],
    ['https://hooks.example.com:80/', 'port_refused'],
    ['https://hooks.example.com:0/', 'port_refused'],
    ['https://hooks.example.com:1023/', 'port_refused'],
    ['https://hooks.example.com:65536/', 'url_malformed'],
    // Names of this machine and of local networks
    ['https://localhost/', 'host_refused'],
    ['https://LOCALHOST/', 'host_refused'],
    ['https://localhost./', 'host_refused'],
    ['https://a.localhost/', 'host_refused'],
    ['https://intranet/', 'host_refused'],
    ['https://metadata/computeMetadata/v1/', 'host_refused'],
    ['https://hooks.example.com./', 'host_refused'],
    ['https://hooks..example.com/', 'host_refused'],
    ['https://*.example.com/', 'host_refused'],
    [`https://${'a.'.repeat(127)}com/`, 'host_refused'],
    // Odd spellings of IPv4 addresses, of public ones too
    ['https://0x7f.1/', 'host_refused'],
    ['https://0x7f000001/', 'host_refused'],
    ['https://2130706433/', 'host_refused'],
    ['https://127.1/', 'host_refused'],
    ['https://127.0.1/', 'host_refused'],
    ['https://0177.0.0.1/', 'host_refused'],
    ['https://017700000001/', 'host_refused'],
    ['https://127.0.0.1./', 'host_refused'],
    ['https://0/', 'host_refused'],
    ['https://0x08080808/', 'host_refused'],
    ['https://8.8.2056/', 'host_refused'],
    ['https://%31%32%37.0.0.1/', 'host_refused'],
    ['https://127.0.0.%31/', 'host_refused'],
    ['https://hooks%2eexample.com/', 'host_refused'],
    ['https://256.1.1.1/', 'url_malformed'],
    ['https://1.2.3.4.5/', 'url_malformed'],
    // Addresses
    ['https://127.0.0.1/', 'address_refused'],
    ['https://127.0.0.1:8443/', 'address_refused'],
    ['https://10.0.0.1/', 'address_refused'],
    ['https://169.254.169.254/latest/meta-data/', 'address_refused'],
    ['https://[::1]/', 'address_refused'],
    ['https://[::]/', 'address_refused'],
    ['https://[::ffff:127.0.0.1]/', 'address_refused'],
    ['https://[::ffff:7f00:1]/', 'address_refused'],
    ['https://[0:0:0:0:0:ffff:a00:1]/', 'address_refused'],
    ['https://[fd00:ec2::254]/', 'address_refused'],
    ['https://[fe80::1%25eth0]/', 'url_malformed'],
  ])('%j: %s', (url, fault) => {
    expect(parseGuardedUrl(url, CLOSED)).toEqual({ ok: false, fault });
  });
});

describe('in development', () => {
  it.each([
    'http://127.0.0.1:3000/in',
    'http://127.0.0.1/in',
    'http://[::1]:3000/in',
    'http://localhost:3000/in',
    'https://localhost:81/in',
    'https://hooks.example.com/in',
  ])('%s may be called', (url) => {
    expect(parseGuardedUrl(url, DEVELOPMENT)).toMatchObject({ ok: true });
  });

  it.each([
    ['http://8.8.8.8/', 'address_refused'],
    ['http://10.0.0.1:3000/', 'address_refused'],
    ['https://169.254.169.254/', 'address_refused'],
    ['http://0x7f.1:3000/', 'host_refused'],
    ['http://a:b@localhost:3000/', 'credentials_refused'],
    ['ftp://localhost/', 'scheme_refused'],
  ])('%s is refused: %s', (url, fault) => {
    expect(parseGuardedUrl(url, DEVELOPMENT)).toEqual({ ok: false, fault });
  });
});

describe('addresses', () => {
  it.each([
    // First and last of each range, and its neighbours on the internet
    ['0.0.0.0', 'refused'],
    ['0.255.255.255', 'refused'],
    ['1.0.0.0', 'public'],
    ['9.255.255.255', 'public'],
    ['10.0.0.0', 'refused'],
    ['10.255.255.255', 'refused'],
    ['11.0.0.0', 'public'],
    ['100.63.255.255', 'public'],
    ['100.64.0.0', 'refused'],
    ['100.100.100.200', 'refused'],
    ['100.127.255.255', 'refused'],
    ['100.128.0.0', 'public'],
    ['126.255.255.255', 'public'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.255', 'loopback'],
    ['128.0.0.0', 'public'],
    ['168.63.129.15', 'public'],
    ['168.63.129.16', 'refused'],
    ['169.253.255.255', 'public'],
    ['169.254.169.254', 'refused'],
    ['169.254.170.2', 'refused'],
    ['169.255.0.0', 'public'],
    ['172.15.255.255', 'public'],
    ['172.16.0.0', 'refused'],
    ['172.31.255.255', 'refused'],
    ['172.32.0.0', 'public'],
    ['192.0.0.192', 'refused'],
    ['192.0.2.1', 'refused'],
    ['192.88.99.1', 'refused'],
    ['192.168.0.0', 'refused'],
    ['192.168.255.255', 'refused'],
    ['192.169.0.0', 'public'],
    ['198.17.255.255', 'public'],
    ['198.18.0.0', 'refused'],
    ['198.19.255.255', 'refused'],
    ['198.20.0.0', 'public'],
    ['198.51.100.1', 'refused'],
    ['203.0.113.1', 'refused'],
    ['223.255.255.255', 'public'],
    ['224.0.0.1', 'refused'],
    ['239.255.255.255', 'refused'],
    ['240.0.0.1', 'refused'],
    ['255.255.255.255', 'refused'],
    ['::', 'refused'],
    ['::1', 'loopback'],
    ['::2', 'refused'],
    ['::7f00:1', 'refused'],
    ['::8.8.8.8', 'refused'],
    ['::127.0.0.1', 'refused'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:10.0.0.1', 'refused'],
    ['::ffff:169.254.169.254', 'refused'],
    ['::ffff:8.8.8.8', 'public'],
    ['::ffff:0:8.8.8.8', 'refused'],
    ['64:ff9b::8.8.8.8', 'public'],
    ['64:ff9b::127.0.0.1', 'refused'],
    ['64:ff9b::10.0.0.1', 'refused'],
    ['64:ff9b::a9fe:a9fe', 'refused'],
    ['64:ff9b:1::8.8.8.8', 'refused'],
    ['100::1', 'refused'],
    ['2001::1', 'refused'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'refused'],
    ['2001:2::1', 'refused'],
    ['2001:10::1', 'refused'],
    ['2001:20::1', 'refused'],
    ['2001:db8::1', 'refused'],
    ['2001:4860:4860::8888', 'public'],
    ['2002:7f00:1::', 'refused'],
    ['2002:808:808::1', 'refused'],
    ['2606:4700:4700::1111', 'public'],
    ['2606:4700::5efe:a00:1', 'refused'],
    ['2606:4700::200:5efe:a00:1', 'refused'],
    ['3fff::1', 'refused'],
    ['4000::1', 'refused'],
    ['5f00::1', 'refused'],
    ['fc00::1', 'refused'],
    ['fd00:ec2::254', 'refused'],
    ['fe80::1', 'refused'],
    ['fe80::1%eth0', 'refused'],
    ['2606:4700:4700::1111%eth0', 'refused'],
    ['fec0::1', 'refused'],
    ['ff02::1', 'refused'],
    // No addresses in their usual spelling
    ['127.1', 'refused'],
    ['0x8.8.8.8', 'refused'],
    ['08.8.8.8', 'refused'],
    ['134744072', 'refused'],
    ['8.8.8.8 ', 'refused'],
    ['[2606:4700::1]', 'refused'],
    ['example.com', 'refused'],
    ['', 'refused'],
  ])('%s is %s', (address, kind) => {
    expect(addressKind(address)).toBe(kind);
  });
});
