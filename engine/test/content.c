/* What test:///default has: the same as libvirt's, so that scripts written for the one find it in the other. */
#include "engine/test/load.h"

/* clang-format off */
#define FC_HOST(wwn_tail, fabric)                          \
	"<capability type='fc_host'>"                      \
	"<wwnn>20000000" wwn_tail "</wwnn>"                \
	"<wwpn>10000000" wwn_tail "</wwpn>"                \
	"<fabric_wwn>20000000" fabric "</fabric_wwn>"      \
	"</capability>"
#define SCSI_HOST(number, parent, unique_id, more)                            \
	"<device><name>scsi_host" number "</name><parent>" parent "</parent>" \
	"<capability type='scsi_host'>"                                       \
	"<host>" number "</host><unique_id>" unique_id "</unique_id>" more    \
	"</capability></device>\n"
#define VPORTS "<capability type='vport_ops'><max_vports>0</max_vports><vports>0</vports></capability>"

const char mv_test_content[] =
	"<node>\n"
	"<domain type='test'>"
	"<name>test</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>"
	"<memory unit='KiB'>8388608</memory><currentMemory unit='KiB'>2097152</currentMemory><vcpu>2</vcpu>"
	"<os><type>hvm</type></os>"
	"<devices>"
	"<disk type='file' device='disk'><source file='/guest/diskimage1'/><target dev='vda' bus='virtio'/>"
	"<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></disk>"
	"<interface type='network'><mac address='aa:bb:cc:dd:ee:ff'/><source network='default'/>"
	"<address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/></interface>"
	"<memballoon model='virtio'><address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/></memballoon>"
	"</devices>"
	"</domain>\n"
	"<network>"
	"<name>default</name><uuid>dd8fe884-6c02-601e-7551-cca97df1c5df</uuid>"
	"<forward/><bridge name='virbr0'/>"
	"<ip address='192.168.122.1' netmask='255.255.255.0'>"
	"<dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip>"
	"</network>\n"
	"<interface type='ethernet' name='eth1'>"
	"<start mode='onboot'/><mac address='aa:bb:cc:dd:ee:ff'/><mtu size='1492'/>"
	"<protocol family='ipv4'><ip address='192.168.0.5' prefix='24'/><route gateway='192.168.0.1'/></protocol>"
	"</interface>\n"
	"<pool type='dir'>"
	"<name>default-pool</name><uuid>dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566</uuid>"
	"<target><path>/default-pool</path></target>"
	"</pool>\n"
	"<device><name>computer</name><capability type='system'>"
	"<hardware><vendor>Libvirt</vendor><version>Test driver</version><serial>123456</serial>"
	"<uuid>11111111-2222-3333-4444-555555555555</uuid></hardware>"
	"<firmware><vendor>Libvirt</vendor><version>Test Driver</version><release_date>01/22/2007</release_date></firmware>"
	"</capability></device>\n"
	SCSI_HOST("1", "computer", "0", FC_HOST("12341234", "43214321") VPORTS)
	SCSI_HOST("2", "computer", "1", FC_HOST("56785678", "87658765") VPORTS)
	SCSI_HOST("11", "scsi_host1", "10", FC_HOST("34563456", "43214321"))
	"</node>\n";
/* clang-format on */
